"""AudioCLIP's audio head trained on ESC-10 from random weights, five folds, against features that nobody trained.

    python benchmarks/esc10_training.py ../shared/data/esc10 --size audioclip-tiny --preset scratch
    python benchmarks/esc10_training.py ../shared/data/esc10 --preset esresnext-imagenet --device cuda --workers 12

Each fold is measured once, by a model trained on the others for a number of epochs fixed beforehand: nothing is chosen
on what is measured. --stages adds finetune-standalone and finetune-cooperative, which start from --weights. A killed
command goes on where it was. Written to results/esc10_training.md, with the curves of the loss in a picture beside.
"""

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from esc10 import accuracy_by_fold, encode_sounds, find_sounds
from table_text import paragraph, table_lines

from encoders import create_encoder
from encoders.datasets import read_collection
from encoders.training import TrainingOptions
from encoders.training.stages import STAGES, StageSettings, preset_options, run_folds

__all__ = ["StageRuns", "main", "report_lines"]

RESULTS = Path(__file__).parent / "results"
FLOOR = "mean-spectrum"


class StageRuns(NamedTuple):
    """The runs of a stage, a fold each.

    Args:
        stage: Name of the stage.
        accuracies: By fold.
        losses: Mean training loss of each epoch, by fold.
        seconds: Of an epoch, mean over all.
        peak_gigabytes: Most memory of a GPU; None on a CPU.
    """

    stage: str
    accuracies: dict[int, float]
    losses: dict[int, list[float]]
    seconds: float
    peak_gigabytes: float | None


def run_of(stage: str, folder: Path, options: argparse.Namespace, training: TrainingOptions) -> StageRuns:
    """Train a stage on all folds, or go on with it."""
    collection = read_collection(options.data)
    settings = StageSettings(stage, size=options.size, workers=options.workers)

    def tell(record: dict[str, Any]) -> None:
        print(f"{stage}: {json.dumps(record)}", file=sys.stderr, flush=True)

    results = run_folds(
        collection,
        settings,
        training,
        folder=folder,
        resume=True,
        weights=None if stage == "audio-pretrain" else options.weights,
        on_epoch=tell,
    )
    return read_runs(stage, folder, list(results.folds))


def read_runs(stage: str, folder: Path, folds: Sequence[int]) -> StageRuns:
    """What finished runs left behind."""
    accuracies, losses, seconds, peaks = {}, {}, [], []
    for fold in folds:
        metrics = json.loads((folder / f"fold-{fold}" / "metrics.json").read_text())
        lines = (folder / f"fold-{fold}" / "history.jsonl").read_text().splitlines()
        history = [json.loads(line) for line in lines]
        accuracies[fold] = metrics["test"]["accuracy"]
        losses[fold] = [sum(record["losses"].values()) for record in history]
        seconds += [record["seconds"] for record in history]
        peaks += [metrics["peak_gigabytes"]] if metrics["peak_gigabytes"] is not None else []
    return StageRuns(stage, accuracies, losses, statistics.fmean(seconds), max(peaks, default=None))


def report_lines(
    runs: Sequence[StageRuns], floor: dict[int, float], training: TrainingOptions, size: str, command: str
) -> list[str]:
    """The report as Markdown."""
    folds = sorted(floor)
    intro = f"""
        Written by the command below. Accuracy in percent on each fold of ESC-10 (400 sounds, 10 classes), from networks
        of size `{size}` trained on the other four folds for {training.epochs} epochs, with AudioCLIP's augmentations
        and {training.optimizer} (learning rate {training.learning_rate:g}, times {training.decay:g} an epoch; batch
        {training.batch_size}, {training.precision}, seed {training.seed}). The standard deviation is that over folds.
        `{FLOOR}` is a logistic regression on the mean spectrum, which has learned nothing about sounds. Seconds are
        those of a training epoch, on {training.device}.
    """
    header = ["what", *(f"fold {fold}" for fold in folds), "mean", "standard deviation", "s an epoch", "GiB"]
    rows = [_row(FLOOR, floor, folds, None, None)]
    rows += [_row(run.stage, run.accuracies, folds, run.seconds, run.peak_gigabytes) for run in runs]
    return ["# ESC-10, trained", "", *paragraph(intro), *table_lines(header, rows), f"    {command}", ""]


def _row(
    name: str, accuracies: dict[int, float], folds: Sequence[int], seconds: float | None, gigabytes: float | None
) -> list[str]:
    percent = [100 * accuracies[fold] for fold in folds]
    figures = [f"{value:.1f}" for value in (*percent, statistics.mean(percent), statistics.stdev(percent))]
    spent = ["-" if value is None else f"{value:.1f}" for value in (seconds, gigabytes)]
    return [name, *figures, *spent]


def draw_curves(runs: Sequence[StageRuns], path: Path) -> None:
    """Training loss by epoch, a line a fold and a panel a stage."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8 * len(runs), 3.4), dpi=120, layout="constrained")
    panels = figure.subplots(1, len(runs), squeeze=False)[0]
    for panel, run in zip(panels, runs, strict=True):
        for fold, losses in run.losses.items():
            panel.plot(range(1, len(losses) + 1), losses, linewidth=1.2, label=f"fold {fold}")
        panel.set_title(run.stage, loc="left", fontweight="bold", fontsize=11)
        panel.set_xlabel("epoch")
        panel.set_ylabel("training loss")
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_ylim(bottom=0)
        panel.legend(frameon=False, fontsize=8)
    figure.savefig(path, facecolor="white")


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with a folder of sounds for each class")
    parser.add_argument("--stages", nargs="+", choices=list(STAGES), default=["audio-pretrain"], help="which to train")
    parser.add_argument("--size", default="audioclip", help="audioclip or audioclip-tiny")
    parser.add_argument("--preset", default="esresnext-imagenet", help="settings of training")
    parser.add_argument("--epochs", type=int, help="instead of the preset's")
    parser.add_argument("--weights", type=Path, help="what stages of fine-tuning start from")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="fp32", help="fp32 or bf16")
    parser.add_argument("--workers", type=int, default=0, help="processes that augment")
    parser.add_argument("--runs", type=Path, help="folder of the runs [default: results/.cache/esc10-SIZE]")
    parser.add_argument("--out", type=Path, default=RESULTS / "esc10_training.md", help="where the report goes")
    return parser.parse_args(arguments)


def _shown(options: argparse.Namespace) -> list[str]:
    """The command line without the folders of this machine."""
    shown = ["--size", options.size, "--preset", options.preset, "--stages", *options.stages]
    if options.epochs is not None:
        shown += ["--epochs", str(options.epochs)]
    if options.weights is not None:
        shown += ["--weights", options.weights.name]
    return [*shown, "--device", options.device, "--precision", options.precision]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train what is missing, print the report and write it."""
    options = parse_arguments(arguments)
    changes = {} if options.epochs is None else {"epochs": options.epochs}
    training = preset_options(options.preset, device=options.device, precision=options.precision, **changes)
    folder = options.runs or RESULTS / ".cache" / f"esc10-{options.size}"
    runs = [run_of(stage, folder / stage, options, training) for stage in options.stages]
    sounds = find_sounds(options.data)
    floor = accuracy_by_fold(encode_sounds(create_encoder(FLOOR, "audio"), sounds.paths), sounds)
    command = shlex.join(["python", "benchmarks/esc10_training.py", "DATA", *_shown(options)])
    text = "\n".join(report_lines(runs, floor, training, options.size, command))
    print(text)
    options.out.write_text(text, encoding="utf-8")
    draw_curves(runs, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
