"""Paired tests over users between models, kept as JSON because the figures of each user are not in version control."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from records import Record
from table_text import paragraph, table_lines

from gnnrec.evaluation.run_group import read_run_groups
from gnnrec.evaluation.significance import compare, holm_correction

__all__ = ["Comparisons", "compare_models", "comparison_lines"]

Comparisons = list[dict[str, Any]]


def compare_models(
    runs: Mapping[str, Sequence[Record]], baselines: Sequence[str], cache: Path, kept: Path, key: str
) -> Comparisons | None:
    """Each other model against each baseline by Recall@20 of each test user, averaged over seeds.

    All comparisons together are one family for Holm's correction.

    Args:
        runs: Runs of each model, one a seed.
        baselines: Models to compare the others with.
        cache: Where the figures of each user lie.
        kept: File of comparisons made before; it is updated.
        key: Name of this family in the file.

    Returns:
        The comparisons; those of the file where figures of users are missing here but the runs are the same; None
        where neither is at hand.
    """
    stored = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    folders = {model: [run["per_user"] for run in own] for model, own in runs.items()}
    if not all((cache / folder).is_dir() for own in folders.values() for folder in own):
        known = stored.get(key, {})
        return known["comparisons"] if (known.get("runs"), known.get("against")) == (folders, list(baselines)) else None
    values = _user_values(folders, cache)
    treated = [model for model in runs if model not in baselines]
    found: Comparisons = []
    for baseline in baselines:
        own = {model: values[model] for model in (*treated, baseline)}
        found += [asdict(comparison) for comparison in compare(own, baseline)]
    for name in ("t_p", "wilcoxon_p"):
        corrected = holm_correction([comparison[name] for comparison in found])
        for comparison, p in zip(found, corrected.tolist(), strict=True):
            comparison[f"{name}_corrected"] = p
    stored[key] = {"runs": folders, "against": list(baselines), "comparisons": found}
    kept.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    return found


def _user_values(folders: Mapping[str, Sequence[str]], cache: Path) -> dict[str, Any]:
    """Recall@20 of each test user, the mean over seeds. Shape of each: (U,)."""
    model_of = {cache / folder: model for model, own in folders.items() for folder in own}
    groups = read_run_groups(list(model_of), "recall@20")
    values = {model_of[group.folders[0]]: group.user_values for group in groups}
    if len(groups) != len(folders):
        names = ", ".join(group.name for group in groups)
        raise SystemExit(f"the runs of a model must differ by seed only (got {names})")
    return values


def comparison_lines(comparisons: Comparisons | None) -> list[str]:
    """The comparisons as a table."""
    if comparisons is None:
        return paragraph("Not computed: the figures of each user are not on this machine.")
    header = ["model", "against", "difference of R@20", "95 % interval", "p, t-test", "p, Wilcoxon"]
    rows = [
        [
            found["a"],
            found["b"],
            f"{found['difference']:+.4f}",
            f"{found['ci_low']:+.4f} to {found['ci_high']:+.4f}",
            f"{found['t_p_corrected']:.2g}",
            f"{found['wilcoxon_p_corrected']:.2g}",
        ]
        for found in comparisons
    ]
    return table_lines(header, rows)
