"""``gnnrec encoder probe``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["probe"]


def probe(
    run: Annotated[Path, typer.Argument(help="Run folder of 'gnnrec encoder train musicvideo'.")],
    path: Annotated[Path, typer.Argument(help="Folder of segments, or its file of features.")],
    labels: Annotated[Path, typer.Option(help="CSV with the columns film and label; one row a film, or one a tag.")],
    tags: Annotated[bool, typer.Option("--tags", help="A film may have any number of labels.")] = False,
    max_classes: Annotated[int | None, typer.Option(help="Only the most frequent labels [default: all].")] = None,
    seeds: Annotated[int, typer.Option(help="Perceptrons a representation.")] = 3,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Read genres or tags from frozen and trained vectors by a small perceptron, and compare how well that goes."""
    from dataclasses import asdict

    from encoders.errors import ArgumentError
    from encoders.musicvideo import MusicVideoRun, load_music_video_model, probe_representations, read_film_labels
    from gnnrec.cli.encoder.train_musicvideo import read_segment_features
    from gnnrec.cli.output import print_json, print_table

    features = read_segment_features(path)
    given = read_film_labels(labels, several=tags)
    known = [name for name in features.film_names if name in given]
    if not known:
        raise ArgumentError(
            f"{labels}: names none of the films in {path} (it has '{next(iter(given))}', there are such as "
            f"'{features.film_names[0]}')"
        )
    model, split = load_music_video_model(run / "model.safetensors"), MusicVideoRun.read(run).split(features)
    try:
        results = probe_representations(model, split, given, max_classes=max_classes, seeds=range(seeds))
    except ArgumentError as error:
        raise ArgumentError(
            f"{labels}: {error}; it labels {len(known)} of {len(features.film_names)} films, and each of training, "
            "validation and test needs some of every label"
        ) from None
    if json:
        print_json({name: asdict(result) for name, result in results.items()})
        return
    print_table(
        f"macro AUC and F1 on test films, mean and standard deviation over {seeds} seeds",
        ["representation", "AUC", "±", "F1", "±"],
        [[name, each.auc, each.auc_deviation, each.f1, each.f1_deviation] for name, each in results.items()],
    )
