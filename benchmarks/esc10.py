"""How well features of sounds tell classes apart: logistic regression over the folds of ESC-10.

    python benchmarks/esc10.py ../shared/data/esc10 --encoder musicnn --weights FILE --encoder mean-spectrum

The folder has a folder for each class; a sound's fold is the first digit of its file's name. Each fold is predicted
from the others: features are standardised and the strength of the regularisation is chosen (leaving out one of the
training folds after the other) without the fold that is predicted. Written to results/esc10.md.
"""

import argparse
import re
import shlex
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from table_text import paragraph, table_lines

from encoders import Encoder, create_encoder
from encoders.content import read_audio

__all__ = ["Sounds", "accuracy_by_fold", "encode_sounds", "find_sounds", "main"]

RESULTS = Path(__file__).parent / "results"
# The strongest first: of equally accurate ones the search keeps the first.
STRENGTHS = [10.0**power for power in range(-5, 3)]
MIN_FOLDS = 3
SOUNDS_AT_ONCE = 16


class Sounds(NamedTuple):
    """Files with their class and fold."""

    paths: list[Path]
    labels: npt.NDArray[np.int64]
    folds: npt.NDArray[np.int64]
    classes: list[str]


class Measured(NamedTuple):
    """What one encoder reached; ``shown`` says in words which weights it had."""

    encoder: str
    weights: Path | None
    shown: str
    dim: int
    encode_seconds: float
    accuracies: dict[int, float]


def find_sounds(folder: Path) -> Sounds:
    """The sounds in the folders of classes, in the order of their names.

    Args:
        folder: Has a folder for each class.

    Raises:
        SystemExit: If there are fewer than two classes or three folds, or a file's name does not tell its fold.
    """
    classes = sorted(path.name for path in folder.glob("*") if path.is_dir())
    paths = [path for name in classes for path in sorted((folder / name).iterdir()) if not path.name.startswith(".")]
    folds = [re.match(r"\d", path.name) for path in paths]
    for path, found in zip(paths, folds, strict=True):
        if found is None:
            raise SystemExit(f"{path}: must start with the digit of its fold")
    numbers = np.array([int(found[0]) for found in folds if found], dtype=np.int64)
    if len(classes) < 2 or len(set(numbers)) < MIN_FOLDS:
        raise SystemExit(
            f"{folder}: must have a folder for each of at least 2 classes, and at least {MIN_FOLDS} folds "
            f"(got {len(classes)} and {len(set(numbers))})"
        )
    labels = np.array([classes.index(path.parent.name) for path in paths], dtype=np.int64)
    return Sounds(paths, labels, numbers, classes)


def encode_sounds(encoder: Encoder, paths: Sequence[Path]) -> npt.NDArray[np.float64]:
    """Features of files. Shape: (files, dim)."""
    parts = []
    for start in range(0, len(paths), SOUNDS_AT_ONCE):
        parts.append(encoder.encode([read_audio(path) for path in paths[start : start + SOUNDS_AT_ONCE]]))
        print(f"{encoder.name}: {start + len(parts[-1])} of {len(paths)} sounds", file=sys.stderr, flush=True)
    features: npt.NDArray[np.float64] = torch.cat(parts).double().cpu().numpy()
    return features


def accuracy_by_fold(features: npt.NDArray[np.float64], sounds: Sounds) -> dict[int, float]:
    """Accuracy on each fold of a logistic regression that saw the others only."""
    accuracies = {}
    for fold in sorted(set(sounds.folds.tolist())):
        training = sounds.folds != fold
        search = GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000)),
            {"logisticregression__C": STRENGTHS},
            cv=LeaveOneGroupOut(),
        )
        search.fit(features[training], sounds.labels[training], groups=sounds.folds[training])
        accuracies[fold] = float(search.score(features[~training], sounds.labels[~training]))
    return accuracies


def measure(name: str, weights: Path | None, sounds: Sounds) -> Measured:
    """Encode and classify with one encoder."""
    encoder = create_encoder(name, "audio", weights=weights)
    started = time.perf_counter()
    features = encode_sounds(encoder, sounds.paths)
    seconds = time.perf_counter() - started
    random = "random" if encoder.weights_in_use() else "none"
    shown = random if weights is None else weights.name
    return Measured(name, weights, shown, encoder.dim, seconds, accuracy_by_fold(features, sounds))


def report_lines(measured: Sequence[Measured], sounds: Sounds) -> list[str]:
    """The report as Markdown."""
    folds = sorted(set(sounds.folds.tolist()))
    majority = float(np.bincount(sounds.labels).max() / len(sounds.labels))
    intro = f"""
        Written by the command below. {len(sounds.paths)} sounds of {len(sounds.classes)} classes, {len(folds)} folds;
        the most frequent class is {majority:.1%} of them. Accuracy in percent of a multinomial logistic regression on
        each fold, trained on the others; features are standardised and the strength of the regularisation is chosen,
        by leaving out one training fold after the other, without the fold that is predicted. The standard deviation is
        that over folds. Seconds are those of decoding and encoding all sounds.
    """
    header = ["encoder", "weights", "width", *(f"fold {fold}" for fold in folds), "mean", "standard deviation", "s"]
    rows = []
    for run in measured:
        percent = [100 * run.accuracies[fold] for fold in folds]
        figures = [f"{value:.1f}" for value in (*percent, statistics.mean(percent), statistics.stdev(percent))]
        rows.append([run.encoder, run.shown, str(run.dim), *figures, f"{run.encode_seconds:.0f}"])
    command = shlex.join(["python", "benchmarks/esc10.py", "DATA", *_arguments(measured)])
    return ["# ESC-10", "", *paragraph(intro), *table_lines(header, rows), f"    {command}", ""]


def _arguments(measured: Sequence[Measured]) -> list[str]:
    """The command line without the folders of this machine."""
    arguments = []
    for run in measured:
        arguments += ["--encoder", run.encoder]
        if run.weights is not None:
            arguments += ["--weights", run.weights.name]
    return arguments


class _WeightsOfLastEncoder(argparse.Action):
    """Weights belong to the encoder named before them."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: Any, values: Any, option: Any = None) -> None:
        if not namespace.encoder or namespace.encoder[-1][1] is not None:
            parser.error("--weights must follow the --encoder that they belong to")
        namespace.encoder[-1] = (namespace.encoder[-1][0], values)


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, print the report and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder of sounds for each class")
    parser.add_argument(
        "--encoder",
        action="append",
        type=lambda name: (name, None),
        required=True,
        help="name of an encoder of sounds; several may be given",
    )
    parser.add_argument("--weights", type=Path, action=_WeightsOfLastEncoder, help="file for the encoder before it")
    parser.add_argument("--out", type=Path, default=RESULTS / "esc10.md", help="where the report goes")
    options = parser.parse_args(arguments)
    sounds = find_sounds(options.data)
    measured = [measure(name, weights, sounds) for name, weights in options.encoder]
    text = "\n".join(report_lines(measured, sounds))
    print(text)
    options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
