"""Of results/models.md, where a model gains: by how often training has an item."""

import statistics

from records import Record
from table_text import paragraph, spread_of, table_lines

__all__ = ["item_count_lines"]


def item_count_lines(runs: dict[str, list[Record]], model: str, baseline: str) -> list[str]:
    """Where a model gains over a baseline: held-out interactions found, by how often training has their item."""
    if not all("test_by_item_count" in run for run in (*runs[model], *runs[baseline])):
        return []
    rows, weighted = [], []
    groups = runs[model][0]["test_by_item_count"]
    everything = sum(group["positives"] for group in groups)
    for place, group in enumerate(groups):
        if not group["positives"]:
            continue
        values = {
            name: [run["test_by_item_count"][place]["recall@20"] for run in runs[name]] for name in (baseline, model)
        }
        low, high = group["from"], group["to"]
        count = f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"
        share = group["positives"] / everything
        gain = statistics.mean(values[model]) - statistics.mean(values[baseline])
        figures = [spread_of(own) for own in values.values()]
        weighted.append(share * gain)
        rows.append([count, f"{share:.1%}", *figures, f"{gain:+.4f}", f"{weighted[-1]:+.4f}"])
    text = """
        Where the difference is: of all test interactions with items that training has so many times, the share that is
        among the user's first 20. The last column is the difference times the group's share of the test interactions.
    """
    won, lost = sum(value for value in weighted if value > 0), sum(value for value in weighted if value < 0)
    result = f"""
        In all, {model} finds {won:.2%} of the test interactions more in the groups where it gains, and {-lost:.2%}
        fewer where it loses. (Recall@20 above is a mean over users, so the sum is not its difference.)
    """
    header = ["training interactions of the item", "share of the test", baseline, model, "difference", "weighted"]
    return [*paragraph(text), *table_lines(header, rows), *paragraph(result)]
