"""Tables of a study's trials and of its settings."""

import statistics
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gnnrec.tuning.report.number_text import value_text
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.retry import ERROR

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["NOTHING", "Table", "best_trials", "combinations", "searched_space", "study_settings"]

NOTHING = "\N{EN DASH}"
_SHOWN = 20


@dataclass(frozen=True)
class Table:
    """Text in rows.

    Args:
        header: Names of columns.
        rows: The rows.
        words: Columns of words, which may be wrapped; the others hold figures.
        chosen: Rows to point out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: frozenset[int] = frozenset()
    chosen: frozenset[int] = frozenset()


def best_trials(snapshot: StudySnapshot) -> Table:
    """The best by the first objective; after complete trials pruned ones by their last epoch, then failed ones."""
    objectives = snapshot.reader.objectives
    shown = [trial for trial in snapshot.trials if snapshot.state(trial) in ("complete", "pruned", "failed")]
    shown = sorted(shown, key=lambda trial: _rank(snapshot, trial))[:_SHOWN]
    best = snapshot.best()
    return Table(
        ("trial", "state", *objectives, "candidate", "best epoch of", "seconds"),
        tuple(_trial_row(snapshot, trial) for trial in shown),
        words=frozenset({1, len(objectives) + 2}),
        chosen=frozenset(place for place, trial in enumerate(shown) if best and trial.number == best.number),
    )


def combinations(snapshot: StudySnapshot) -> Table | None:
    """Values of each model with each fusion; None where there is one of both."""
    found: dict[tuple[str, str], list[FrozenTrial]] = defaultdict(list)
    for trial in snapshot.trials:
        candidate = snapshot.candidate(trial)
        if candidate:
            found[candidate.model, snapshot.fusion(candidate)].append(trial)
    if len(found) < 2:
        return None
    rows = []
    for (model, fusion), trials in found.items():
        values = [trial.values[0] for trial in trials if snapshot.state(trial) == "complete"]
        rows.append((max(values, default=-float("inf")), values, model, fusion, len(trials)))
    rows.sort(key=lambda row: -row[0])
    metric = snapshot.reader.metric
    return Table(
        ("model", "fusion", f"best {metric}", f"mean {metric}", "complete", "trials"),
        tuple(
            (
                model,
                NOTHING if fusion == "none" else fusion,
                f"{best:.4f}" if values else NOTHING,
                f"{statistics.mean(values):.4f}" if values else NOTHING,
                str(len(values)),
                str(number),
            )
            for best, values, model, fusion, number in rows
        ),
        words=frozenset({0, 1}),
    )


def searched_space(settings: Mapping[str, Any]) -> Table:
    """What was searched."""
    rows = tuple((name, values.replace("+", " + "), when or "always") for name, values, when in settings["space"])
    return Table(("parameter", "values", "where"), rows, words=frozenset({0, 1, 2}))


def study_settings(settings: Mapping[str, Any]) -> Table:
    """On what, and how."""
    options = dict(settings["options"])
    training = options.pop("training", {})
    rows = [("split", settings["split"])]
    rows += [(f"reading: {name}", value) for name, value in settings["reading"].items()]
    rows += list(options.items())
    rows += [(f"training: {name}", value) for name, value in training.items()]
    return Table(("setting", "value"), tuple((name, _plain(value)) for name, value in rows), words=frozenset({0, 1}))


def _rank(snapshot: StudySnapshot, trial: "FrozenTrial") -> tuple[int, float, int]:
    state = snapshot.state(trial)
    if state == "complete":
        return 0, -trial.values[0], trial.number
    if state == "pruned" and trial.intermediate_values:
        return 1, -trial.intermediate_values[max(trial.intermediate_values)], trial.number
    return 2, 0.0, trial.number


def _trial_row(snapshot: StudySnapshot, trial: "FrozenTrial") -> tuple[str, ...]:
    state, found = snapshot.state(trial), trial.user_attrs
    objectives = snapshot.reader.objectives
    values = [NOTHING] * len(objectives)
    epochs = NOTHING
    if state == "complete":
        values = [value_text(value, name) for value, name in zip(trial.values, objectives, strict=True)]
        # Models without epochs have none to choose from.
        epochs = f"{found['best_epoch']} of {found['epochs']}" if found.get("epochs") else NOTHING
        seconds = found.get("seconds", 0.0)
    else:
        seconds = trial.duration.total_seconds() if trial.duration else 0.0
    if state == "pruned" and trial.intermediate_values:
        last = max(trial.intermediate_values)
        values[0] = f"{value_text(trial.intermediate_values[last], objectives[0])} at epoch {last}"
    if state == "failed":
        state = f"failed: {found[ERROR]}"
    return str(trial.number), state, *values, str(snapshot.candidate(trial) or NOTHING), epochs, f"{seconds:,.1f}"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={one}" for name, one in value.items()) or NOTHING
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return NOTHING if value is None or value == "" else str(value)
