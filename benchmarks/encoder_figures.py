"""Figures of finished runs for benchmarks/compare_encoders.py: means, gains, costs, what encoders learned."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from encoder_cache import COST_FILE
from encoder_study import METRICS, Plan, Setting
from pyarrow.parquet import read_table
from safetensors.torch import load_file

from gnnrec.evaluation.significance import Comparison, compare, holm_correction

__all__ = ["Figures", "PanelRows", "Row", "Run", "load_features", "panel_rows", "read_run", "reference_rows"]

SECONDS = ("decode", "encode", "finetune", "train", "evaluate")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
        setting: What it was.
        seed: Its seed.
        folder: Where it is.
        metrics: The content of ``metrics.json``.
        cost: Seconds and memory.
        curve: Validation Recall@20 by epoch.
        pair_loss: Loss of the encoders' fine-tuning in its first and last epoch.
        warm_up_epochs: Epochs before encoders learned with the recommender; None where they never did.
    """

    setting: Setting
    seed: int
    folder: Path
    metrics: Mapping[str, Any]
    cost: Mapping[str, Any]
    curve: tuple[tuple[int, float], ...]
    pair_loss: tuple[float, float] | None
    warm_up_epochs: int | None

    @property
    def kept_warm_up(self) -> bool:
        """Whether validation preferred an epoch from before encoders learned: then the run says little of learning."""
        return self.warm_up_epochs is not None and self.metrics["best_epoch"] <= self.warm_up_epochs

    @property
    def seconds(self) -> float:
        """All of the run but reading the data."""
        return float(sum(self.cost[f"{name}_seconds"] for name in SECONDS))

    def user_values(self, part: str = "test", metric: str = METRICS[0]) -> tuple[list[str], npt.NDArray[np.float64]]:
        """Users in order of their ids, and the metric of each."""
        table = read_table(self.folder / "metrics_per_user.parquet", columns=["user_id", "part", metric])
        frame = table.to_pandas().query("part == @part").sort_values("user_id")
        return [str(user) for user in frame["user_id"]], frame[metric].to_numpy(dtype=np.float64)


@dataclass(frozen=True)
class Figures:
    """Mean over seeds and the standard deviation, if there are several."""

    mean: float
    spread: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figures":
        """Those of the seeds' values."""
        return cls(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class Row:
    """The runs of a setting.

    Args:
        setting: What they are.
        runs: One a seed.
        comparison: With what gains are counted from, Holm-corrected over the whole report; None for that itself.
        turned: One less the cosine between features after learning and those of the same encoders frozen, mean over
            features, items and seeds; None where there is nothing to compare.
    """

    setting: Setting
    runs: tuple[Run, ...]
    comparison: Comparison | None = None
    turned: float | None = None

    def figures(self, part: str, metric: str) -> Figures:
        """A metric on ``"valid"`` or ``"test"``."""
        return Figures.of([run.metrics[part][metric] for run in self.runs])

    def cost(self, name: str) -> float:
        """Mean of a figure of cost."""
        return statistics.mean(run.cost[name] or 0 for run in self.runs)

    @property
    def seconds(self) -> float:
        """Mean seconds of a run."""
        return statistics.mean(run.seconds for run in self.runs)

    @property
    def pair_loss(self) -> tuple[float, float] | None:
        """Mean loss of fine-tuning, first and last epoch."""
        pairs = [run.pair_loss for run in self.runs if run.pair_loss]
        if not pairs:
            return None
        return statistics.mean(first for first, _ in pairs), statistics.mean(last for _, last in pairs)


@dataclass(frozen=True)
class PanelRows:
    """A model's rows.

    Args:
        model: The model.
        zero: What gains are counted from; None where none of its runs finished.
        rows: The others, in the order of the plan.
    """

    model: str
    zero: Row | None
    rows: tuple[Row, ...]

    @property
    def chosen(self) -> Row | None:
        """The best row by validation, features of files left aside: one may be an oracle."""
        own = [row for row in self.rows if row.setting.encoders]
        return max(own, key=lambda row: row.figures("valid", METRICS[0]).mean, default=None)


Folders = Mapping[tuple[Setting, int], Path]


def read_run(setting: Setting, seed: int, folder: Path) -> Run:
    """What a finished run left behind."""
    history = _lines(folder / "history.jsonl")
    tuning = _lines(folder / "finetune" / "history.jsonl")
    return Run(
        setting=setting,
        seed=seed,
        folder=folder,
        metrics=json.loads((folder / "metrics.json").read_text(encoding="utf-8")),
        cost=json.loads((folder / COST_FILE).read_text(encoding="utf-8")),
        curve=tuple((record["epoch"], record["valid"][METRICS[0]]) for record in history if "valid" in record),
        pair_loss=(sum(tuning[0]["losses"].values()), sum(tuning[-1]["losses"].values())) if tuning else None,
        warm_up_epochs=_warm_up_epochs(folder),
    )


def load_features(run: Run) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Features that a run's encoders made, with which items have them, by name."""
    files = sorted((run.folder / "features").glob("*.safetensors"))
    loaded = {file.stem: load_file(file) for file in files}
    return {name: (tensors["x"].float(), tensors["mask"].bool()) for name, tensors in loaded.items()}


def panel_rows(plan: Plan, folders: Folders) -> list[PanelRows]:
    """The rows of all panels, compared user by user with their zero; Holm's correction is over all of them together.

    Args:
        plan: What was planned.
        folders: Finished runs.
    """
    rows = {setting: _row(setting, folders) for setting in plan.settings()}
    compared: dict[Setting, Comparison] = {}
    for panel in plan.panels:
        compared |= _compare(panel.zero, [setting for setting in panel.settings if rows[setting].runs], rows)
    corrected = _corrected(compared)
    panels = []
    for panel in plan.panels:
        own = [
            replace(rows[setting], comparison=corrected.get(setting), turned=_turned(rows[setting], folders))
            for setting in panel.settings
            if rows[setting].runs
        ]
        zero = rows[panel.zero]
        panels.append(PanelRows(panel.model, zero if zero.runs else None, tuple(own)))
    return panels


def reference_rows(plan: Plan, folders: Folders) -> list[Row]:
    """The further models without content."""
    rows = [_row(setting, folders) for setting in plan.references]
    return [row for row in rows if row.runs]


def _row(setting: Setting, folders: Folders) -> Row:
    own = sorted((seed, folder) for (key, seed), folder in folders.items() if key == setting)
    return Row(setting, tuple(read_run(setting, seed, folder) for seed, folder in own))


def _compare(zero: Setting, settings: Sequence[Setting], rows: Mapping[Setting, Row]) -> dict[Setting, Comparison]:
    """Each setting with the zero: a user's values are averaged over seeds first."""
    if not rows[zero].runs or not settings:
        return {}
    users: list[str] | None = None
    values = {}
    for setting in (zero, *settings):
        found = [run.user_values() for run in rows[setting].runs]
        users = users or found[0][0]
        if any(others != users for others, _ in found):
            raise ValueError(f"{setting}: its runs have other users than those of {zero}")
        values[str(setting)] = np.mean([own for _, own in found], axis=0)
    return dict(zip(settings, compare(values, str(zero)), strict=True))


def _corrected(compared: Mapping[Setting, Comparison]) -> dict[Setting, Comparison]:
    if not compared:
        return {}
    t_p = holm_correction([one.t_p for one in compared.values()])
    wilcoxon_p = holm_correction([one.wilcoxon_p for one in compared.values()])
    return {
        setting: replace(one, t_p_corrected=float(t), wilcoxon_p_corrected=float(w))
        for (setting, one), t, w in zip(compared.items(), t_p, wilcoxon_p, strict=True)
    }


def _turned(row: Row, folders: Folders) -> float | None:
    """How far learning turned the features, from those of the same encoders and seed left frozen, by any model."""
    if row.setting.regime not in ("finetune", "end-to-end"):
        return None
    shares = []
    for run in row.runs:
        frozen = [
            folder
            for (other, seed), folder in folders.items()
            if (other.encoders, other.regime, seed) == (row.setting.encoders, "frozen", run.seed)
        ]
        if not frozen:
            return None
        before, after = load_features(replace(run, folder=frozen[0])), load_features(run)
        for name, (x, mask) in after.items():
            cosine = torch.cosine_similarity(x[mask], before[name][0][mask])
            shares.append(1 - float(cosine.mean()))
    return statistics.mean(shares)


def _warm_up_epochs(folder: Path) -> int | None:
    encoders = json.loads((folder / "run.json").read_text(encoding="utf-8")).get("encoders") or {}
    return int(encoders["options"]["warm_up_epochs"]) if encoders.get("training") == "end-to-end" else None


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
