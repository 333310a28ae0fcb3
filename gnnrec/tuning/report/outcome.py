"""What came of a study: its headline, finalists and test."""

from collections.abc import Mapping
from typing import Any

from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.comparison import WINNER
from gnnrec.tuning.options import COSTS
from gnnrec.tuning.report.number_text import count_text, mean_text, p_text, seconds_text, signed_text
from gnnrec.tuning.report.snapshot import StudySnapshot
from gnnrec.tuning.report.tables import NOTHING, Table

__all__ = ["facts", "figures_on_test", "finalists", "findings", "note_on_test"]

_LEVEL = 0.05
"""p values below it count as a difference."""


def facts(snapshot: StudySnapshot) -> dict[str, str]:
    """The study in a few words, by name."""
    settings = snapshot.reader.settings
    data = settings["data"]
    counts = snapshot.counts()
    always = ("complete", "pruned", "failed")
    said = [f"{number:,} {state}" for state, number in counts.items() if number or state in always]
    return {
        "data": f"{data['name']} (fingerprint {data['fingerprint'][:8]}), split: {settings['split']}",
        "objective" if not snapshot.is_multi_objective else "objectives": ", ".join(
            f"{name} on validation, maximised" if name not in COSTS else f"{name}, minimised ({COSTS[name]})"
            for name in snapshot.reader.objectives
        ),
        "trials": ", ".join(said),
        "training": f"{seconds_text(snapshot.seconds)} in the trials together",
    }


def findings(snapshot: StudySnapshot) -> list[str]:
    """What the study says so far, in sentences."""
    reader = snapshot.reader
    best = snapshot.best()
    if best is None:
        return ["No trial is complete: there is no best candidate yet."]
    if reader.result is None:
        return [
            f"Best trial so far: {best.candidate}, with a validation {reader.metric} of {best.mean:.4f} "
            f"(trial {best.number}, one seed).",
            "The study is not finished: there are neither finalists with several seeds nor a test.",
        ]
    seeds = count_text(len(reader.result["seeds"]), "seed")
    said = [
        f"Winner: {best.candidate}, with a validation {reader.metric} of {mean_text(best.mean, best.spread)} "
        f"over {seeds} (trial {best.number})."
    ]
    said += _verdicts(reader.result["test"]) if reader.result["test"] else ["There was no test."]
    counts = snapshot.counts()
    finished = counts["complete"] + counts["pruned"] + counts["failed"]
    if finished > reader.result["trials"]:
        said.append(
            f"The study went on: finalists and test are of its first {reader.result['trials']} trials, and "
            f"{finished} are finished now."
        )
    return said


def finalists(snapshot: StudySnapshot) -> Table | None:
    """Candidates with several seeds; None before the study is finished."""
    result = snapshot.reader.result
    if result is None:
        return None
    rows = tuple(
        (
            str(one["trial"]),
            str(Candidate.from_dict(one["candidate"])),
            mean_text(one["mean"], one["spread"]),
            ", ".join(f"{value:.4f}" for value in one["values"]) or NOTHING,
        )
        for one in result["finalists"]
    )
    header = ("trial", "candidate", f"validation {snapshot.reader.metric}", f"seeds {_list(result['seeds'])}")
    return Table(header, rows, words=frozenset({1}), chosen=frozenset({0}))


def figures_on_test(snapshot: StudySnapshot) -> Table | None:
    """The winner against the others on test; None where there was no test."""
    test = snapshot.reader.result["test"] if snapshot.reader.result else None
    if not test:
        return None
    comparisons = {one["a"]: one for one in test["comparisons"]}
    rows = []
    for role, candidate in test["candidates"].items():
        number = len(test["runs"][role])
        mean = mean_text(test["means"][role], test["spreads"][role])
        seeds = f" ({count_text(number, 'seed')})" if number > 1 else ""
        words = str(Candidate.from_dict(candidate)) + (" (as shipped)" if role != WINNER else "")
        rows.append((role, words, mean + seeds, *_against(comparisons.get(role))))
    header = ("", "candidate", f"test {test['metric']}", "winner minus it", "95 % interval", "p, t-test", "p, Wilcoxon")
    return Table(header, tuple(rows), words=frozenset({0, 1}), chosen=frozenset({0}))


def note_on_test(snapshot: StudySnapshot) -> str:
    """How to read that table."""
    test = snapshot.reader.result["test"] if snapshot.reader.result else None
    if not test:
        return ""
    users = next((one["num_users"] for one in test["comparisons"]), None)
    said = "Means over users and seeds, ± standard deviation over seeds."
    if users:
        said += (
            f" Differences are paired over {users:,} users, intervals are from a bootstrap over them, p values after "
            "Holm's correction."
        )
    if "default" not in test["candidates"]:
        said += " The winner is its model as shipped, so there is no default beside it."
    return said


def _against(comparison: Mapping[str, Any] | None) -> tuple[str, ...]:
    if comparison is None:
        return (NOTHING,) * 4
    # Stored as the other minus the winner.
    low, high = -comparison["ci_high"], -comparison["ci_low"]
    return (
        signed_text(-comparison["difference"]),
        f"{signed_text(low)} to {signed_text(high)}",
        p_text(comparison["t_p_corrected"]),
        p_text(comparison["wilcoxon_p_corrected"]),
    )


def _verdicts(test: Mapping[str, Any]) -> list[str]:
    names = {"default": "its model as shipped", "classical": "the best model without content"}
    said = []
    for one in test["comparisons"]:
        gain, p = -one["difference"], one["t_p_corrected"]
        other = f"{names.get(one['a'], one['a'])} ({test['candidates'][one['a']]['model']})"
        figures = f"{test['metric']} {signed_text(gain)}, p {p_text(p) if p < 0.0001 else f'= {p_text(p)}'}"
        if p >= _LEVEL:
            said.append(f"On test the winner cannot be told from {other}: {figures}.")
        else:
            said.append(f"On test the winner is {'better' if gain > 0 else 'worse'} than {other}: {figures}.")
    return said


def _list(values: list[int]) -> str:
    return ", ".join(map(str, values))
