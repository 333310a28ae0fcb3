"""``gnnrec encoder segments``."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["segments"]


def segments(
    films: Annotated[Path, typer.Argument(help="Folder of films, with their sound inside or in a file beside.")],
    out: Annotated[Path, typer.Option(help="Folder of segments and their features.")],
    musicnn: Annotated[Path | None, typer.Option(help="musicnn's weights (.h5) [default: random].")] = None,
    r2plus1d: Annotated[Path | None, typer.Option(help="R(2+1)D's weights of torchvision [default: random].")] = None,
    sections: Annotated[int, typer.Option(help="Equal sections of a film; each gives a segment.")] = 6,
    seconds: Annotated[float, typer.Option(help="Length of a segment.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Seed of the places of segments, and of random weights.")] = 0,
    batch_size: Annotated[int, typer.Option(help="Segments a forward pass.")] = 16,
    workers: Annotated[int | None, typer.Option(help="Films cut or decoded at once [default: cores less one].")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 or auto.")] = "auto",
    precision: Annotated[str, typer.Option(help="fp32, bf16, fp16 or auto.")] = "auto",
) -> None:
    """Cut films into segments and encode them by the frozen backbones; a killed run goes on where it was."""
    from encoders.musicvideo import SegmentOptions, create_backbone, cut_segments, encode_segments, segment_feature_path
    from encoders.store import EncodeOptions
    from gnnrec.cli.encoder.progress import EncoderProgress
    from gnnrec.cli.output import command_line, status

    options = EncodeOptions(
        batch_size=batch_size, device=device, precision=precision, **({} if workers is None else {"workers": workers})
    )
    cutting = SegmentOptions(sections=sections, seconds=seconds, seed=seed)
    with EncoderProgress() as progress:
        report = cut_segments(
            films,
            out,
            options=cutting,
            workers=max(1, options.workers),
            on_progress=lambda done, total: progress.count("cutting films", done, total),
        )
        progress.say(
            f"{report.films} films: {report.cut} cut, {report.reused} cut before; {report.segments} segments in {out}"
        )
        for name, reason in list(report.problems.items())[:5]:
            progress.say(f"  {name}: {reason}")
        if len(report.problems) > 5:
            progress.say(f"  ... and {len(report.problems) - 5} more; see problems.csv")
        features = encode_segments(
            out,
            create_backbone("audio", weights=musicnn, seed=seed),
            create_backbone("video", weights=r2plus1d, seed=seed),
            options=options,
            audio_weights=musicnn,
            video_weights=r2plus1d,
            on_progress=lambda modality, done, total: progress.count(f"encoding {modality}", done, total),
        )
    status(f"{len(features)} segments of {len(features.film_names)} films encoded to {segment_feature_path(out)}")
    step = command_line("gnnrec", "encoder", "train", "musicvideo", out, "--out", "runs/musicvideo")
    status(f"next: {step}")
