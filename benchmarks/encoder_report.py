"""The report of benchmarks/compare_encoders.py as Markdown and as a table of runs."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoder_figures import Figures, PanelRows, Row, Run
from encoder_study import METRICS, RANDOM, Setting, Study
from table_text import paragraph, table_lines

__all__ = ["Report", "figures_text", "p_text", "row_cells", "runs_csv", "to_markdown", "zero_text"]

HEADER = [
    "content",
    "encoder",
    "seeds",
    "valid R@20",
    "valid N@20",
    "test R@20",
    "test N@20",
    "gain in test R@20",
    "95 % interval",
    "p, t-test",
    "p, Wilcoxon",
    "seconds (content, training)",
    "peak MiB (above data)",
    "encoder learning",
]
"""Columns of :func:`row_cells`."""

_WHERE = {RANDOM: "random numbers", "none": "no content", "file": "from a file"}


@dataclass(frozen=True)
class Report:
    """What the report is made of.

    Args:
        study: What all runs share.
        name: Of the data set.
        command: The command line.
        fingerprint: Of ids and interactions.
        num_users: Number of users.
        num_items: Number of items.
        num_candidates: Number of items that are ranked.
        interactions: Their number by part.
        split: How the data were split.
        contents: Number of items with each kind of content.
        panels: Rows by model.
        references: Further models without content.
        missing: Why rows that were asked for are not there.
    """

    study: Study
    name: str
    command: str
    fingerprint: str
    num_users: int
    num_items: int
    num_candidates: int
    interactions: Mapping[str, int]
    split: str
    contents: Mapping[str, int]
    panels: Sequence[PanelRows]
    references: Sequence[Row]
    missing: Mapping[str, str]

    @property
    def runs(self) -> list[Run]:
        """Every run once."""
        rows = [row for panel in self.panels for row in ((panel.zero,) if panel.zero else ()) + panel.rows]
        runs = [run for row in (*rows, *self.references) for run in row.runs]
        return list({run.folder: run for run in runs}.values())

    @property
    def num_comparisons(self) -> int:
        """Size of the family that Holm's correction is over."""
        return sum(row.comparison is not None for panel in self.panels for row in panel.rows)

    def summary(self) -> str:
        """What was run, in words."""
        parts = ", ".join(f"{count:,} {part}" for part, count in self.interactions.items())
        contents = ", ".join(f"{kind} of {count:,}" for kind, count in self.contents.items())
        ranked = "all items"
        if self.study.candidates == "new":
            chance = min(20 / self.num_candidates, 1.0)
            ranked = (
                f"the {self.num_candidates:,} items that nobody took in training (Recall@20 by chance {chance:.2f})"
            )
        return (
            f"{len(self.runs)} runs on {self.name}: {self.num_users:,} users, {self.num_items:,} items ({contents}), "
            f"interactions {parts} (split: {self.split}). Lists rank {ranked}. The epoch is selected on validation, "
            "test is read once."
        )

    def rule(self) -> str:
        """What gains are counted from, and how sure they are, in words."""
        if self.study.zero_is_random:
            zero = "the same model with random numbers for features, as a model without content cannot tell new items"
        else:
            pairs = [f"{panel.zero.setting.model} for {panel.model}" for panel in self.panels if panel.zero]
            zero = f"the same method without content ({', '.join(pairs)})"
        return (
            f"Gains are counted from {zero}. Each user's test Recall@20 is averaged over seeds; intervals are "
            f"bootstraps over users, p values of paired tests over users, after Holm's correction over all "
            f"{self.num_comparisons} comparisons of this report. Users are the sample: they do not say what other data "
            "or seeds would give. ± is the standard deviation over seeds."
        )

    def findings(self) -> list[str]:
        """For each model what validation chooses, and what that gives on test."""
        return [_finding(panel) for panel in self.panels if panel.chosen]


def _finding(panel: PanelRows) -> str:
    row = panel.chosen
    assert row is not None
    test = figures_text(row.figures("test", METRICS[0]))
    text = f"{panel.model}: validation chooses {_setting_text(row.setting)}, with {test} in test Recall@20"
    if row.comparison is None or panel.zero is None:
        return f"{text}."
    one = row.comparison
    return (
        f"{text}, {one.difference:+.4f} against {zero_text(panel.zero.setting)} (95 % interval {one.ci_low:+.4f} to "
        f"{one.ci_high:+.4f}, p = {p_text(one.t_p_corrected)})."
    )


def figures_text(figures: Figures) -> str:
    """Mean and spread."""
    return f"{figures.mean:.4f}" + (f" ± {figures.spread:.4f}" if figures.spread is not None else "")


def p_text(value: float) -> str:
    """A p value."""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def zero_text(setting: Setting) -> str:
    """What gains are counted from."""
    return f"{setting.model} with {_WHERE[RANDOM]}" if setting.regime == RANDOM else f"{setting.model} without content"


def _setting_text(setting: Setting) -> str:
    return f"{setting.content}, {setting.regime}"


def learning_text(row: Row) -> str:
    """What the encoders learned, if they did."""
    said = []
    if row.pair_loss:
        said.append(f"pair loss {row.pair_loss[0]:.2f} to {row.pair_loss[1]:.2f}")
    if row.turned is not None:
        said.append(f"features turned by {row.turned:.3f}")
    if early := sum(run.kept_warm_up for run in row.runs):
        said.append(f"{early} of {len(row.runs)} runs kept an epoch from before it")
    return ", ".join(said) or "-"


def encoder_text(row: Row) -> str:
    """What the encoders did, and whether they started from random weights."""
    setting = row.setting
    random = setting.encoders and any(run.cost["random_weights"] for run in row.runs)
    return (setting.regime if setting.encoders else _WHERE[setting.regime]) + (" (random weights)" if random else "")


def row_cells(row: Row) -> list[str]:
    """A row of the table, of the columns :data:`HEADER`."""
    setting = row.setting
    one = row.comparison
    gain = ["-", "-", "-", "-"]
    if one is not None:
        relative = "" if one.relative is None else f" ({one.relative:+.0%})"
        interval = f"{one.ci_low:+.4f} to {one.ci_high:+.4f}"
        gain = [f"{one.difference:+.4f}{relative}", interval, p_text(one.t_p_corrected)]
        gain.append(p_text(one.wilcoxon_p_corrected))
    content_seconds = sum(row.cost(f"{name}_seconds") for name in ("decode", "encode", "finetune"))
    memory = f"{row.cost('peak_mib'):,.0f} ({row.cost('peak_mib') - row.cost('data_mib'):,.0f})"
    if row.cost("cuda_mib"):
        memory += f", GPU {row.cost('cuda_mib'):,.0f}"
    return [
        f"{setting.model} alone" if setting.regime == "none" else setting.content,
        encoder_text(row),
        ", ".join(str(run.seed) for run in row.runs),
        *(figures_text(row.figures(part, name)) for part in ("valid", "test") for name in METRICS),
        *gain,
        f"{row.seconds:,.1f} ({content_seconds:,.1f}, {row.cost('train_seconds'):,.1f})",
        memory,
        learning_text(row),
    ]


def to_markdown(report: Report, pictures: Sequence[str] = ()) -> str:
    """The report as Markdown.

    Args:
        report: What it says.
        pictures: Names of files of plots beside it.
    """
    lines = [f"# Encoders on {report.name}", "", *paragraph(report.summary()), "Written by", ""]
    lines += [f"    {report.command}", "", *paragraph(f"Fingerprint of the log: {report.fingerprint}.")]
    lines += paragraph(report.rule())
    lines += [*(f"- {finding}" for finding in report.findings()), ""]
    for panel in report.panels:
        rows = ((panel.zero,) if panel.zero else ()) + panel.rows
        lines += [f"## {panel.model}", "", *table_lines(HEADER, [row_cells(row) for row in rows])]
    if report.references:
        lines += ["## Without content", "", *table_lines(HEADER, [row_cells(row) for row in report.references])]
    if pictures:
        lines += ["## Plots", "", *(f"![{Path(name).stem}]({name})\n" for name in pictures)]
    if report.missing:
        lines += ["## Not run", "", *(f"- {name}: {reason}" for name, reason in report.missing.items()), ""]
    lines += paragraph(
        "Seconds are those of a whole run: content is decoding, encoding and fine-tuning, and training that of the "
        "recommender, with its encoders where they learn end to end. Memory is the process's peak. Features turned by "
        "1 would have nothing in common with those of the same encoders frozen (one less the mean cosine)."
    )
    return "\n".join(lines).rstrip() + "\n"


def runs_csv(report: Report) -> str:
    """One row a run."""
    metrics = [f"{part}_{name}" for part in ("valid", "test") for name in METRICS]
    costs = ["decode_seconds", "encode_seconds", "finetune_seconds", "train_seconds", "evaluate_seconds"]
    memory = ["peak_mib", "data_mib", "cuda_mib", "threads", "random_weights"]
    names = ["model", "content", "regime", "seed", *metrics, "epochs", "best_epoch", "seconds", *costs, *memory]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*names, "pair_loss_first", "pair_loss_last", "folder", "command"])
    for run in report.runs:
        first, last = run.pair_loss or ("", "")
        writer.writerow(
            [
                run.setting.model,
                run.setting.content,
                run.setting.regime,
                run.seed,
                *(run.metrics[part][name] for part in ("valid", "test") for name in METRICS),
                run.metrics["epochs"],
                run.metrics["best_epoch"],
                round(run.seconds, 3),
                *(run.cost[name] for name in (*costs, *memory)),
                first,
                last,
                run.folder.name,
                run.setting.command(report.study, run.seed),
            ]
        )
    return file.getvalue()
