"""``gnnrec encoder similar``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["similar"]


def similar(
    run: Annotated[Path, typer.Argument(help="Run folder of 'gnnrec encoder train musicvideo'.")],
    path: Annotated[Path, typer.Argument(help="Folder of segments, or its file of features.")],
    of_segments: Annotated[bool, typer.Option("--of-segments", help="Compare segments instead of films.")] = False,
    seeds: Annotated[int | None, typer.Option(help="Seeds [default: 25 films or 20 segments].")] = None,
    k: Annotated[int, typer.Option("-k", help="Neighbours of a seed.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the choice.")] = 0,
    picture: Annotated[Path | None, typer.Option(help="File for a picture of seeds and neighbours (.png).")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show the most similar films by audio, by video and by both, and how alike segments of one film are."""
    from encoders.musicvideo import analyse_similarity, draw_similarity, load_music_video_model
    from gnnrec.cli.encoder.train_musicvideo import read_segment_features
    from gnnrec.cli.output import print_json, print_table, status

    model = load_music_video_model(run / "model.safetensors")
    analysis = analyse_similarity(
        model, read_segment_features(path), films=not of_segments, seeds=seeds, k=k, seed=seed
    )
    names = analysis.names
    neighbours = {
        view: [
            {
                "seed": names[one],
                "neighbours": [
                    {"name": names[row], "similarity": round(value, 4)} for row, value in zip(rows, values, strict=True)
                ],
            }
            for one, rows, values in zip(
                analysis.seeds.tolist(), found.rows.tolist(), found.similarity.tolist(), strict=True
            )
        ]
        for view, found in analysis.neighbours.items()
    }
    consistency = {
        view: {"within": value.within, "between": value.between, "auc": value.auc}
        for view, value in analysis.consistency.items()
    }
    if picture is not None:
        draw_similarity(analysis, picture, folder=path if (path / "segments.csv").is_file() else None)
        status(f"picture written to {picture}")
    if json:
        print_json({"neighbours": neighbours, "consistency": consistency})
        return
    rows = [
        [entry["seed"], view, ", ".join(f"{each['name']} ({each['similarity']:.2f})" for each in entry["neighbours"])]
        for entries in zip(*neighbours.values(), strict=True)
        for view, entry in zip(neighbours, entries, strict=True)
    ]
    print_table("most similar", ["seed", "by", "neighbours (cosine)"], rows)
    print_table(
        "segments of one film against segments of two",
        ["by", "mean cosine within", "between", "AUC"],
        [[view, value["within"], value["between"], value["auc"]] for view, value in consistency.items()],
    )
