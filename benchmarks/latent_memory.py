"""Peak memory of LATTICE above its data, at Amazon Baby's size and at ten times that.

    python benchmarks/latent_memory.py

Users, items and interactions grow together, so that everyone's number of interactions stays. The first row has image
4096-d and text 384-d features; the growth is that of two modalities of 64-d, at both sizes, because ten times the wide
features would say more of the data than of the model. Each row is a process of its own: an epoch's first steps (the
first builds the graphs, with gradient), then embeddings and a ranking of some users. Kept as results/latent_memory.json
and .md.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch
from own_process import run_in_own_process
from synthetic import BABY, synthetic_dataset
from table_text import paragraph, table_lines

from gnnrec.evaluation import EvalOptions, evaluate
from gnnrec.models import Batch, EmbeddingScorer, Recommender, create_model
from gnnrec.training import TripleSampler
from gnnrec.training.allocator import keep_freed_memory
from gnnrec.training.peak_memory import forget_peak_memory, peak_memory, resident_memory
from graphs import BipartiteGraph

RESULTS = Path(__file__).parent / "results"
WIDE, NARROW = {"image": 4096, "text": 384}, {"image": 64, "text": 64}
BATCH, STEPS, RANKED_USERS = 2048, 5, 2_000
LIMIT = 400
"""MB above the data, at Amazon Baby's size."""


def measure(scale: float, dims: dict[str, int]) -> dict[str, float]:
    """Peak memory and seconds at ``scale`` times Amazon Baby, in the present process."""
    shape = {name: round(size * scale) for name, size in BABY.items()}
    dataset = synthetic_dataset(**shape, feature_dims=dims)
    graph, features = BipartiteGraph.from_interactions(dataset.train), dataset.features
    forget_peak_memory()
    data_memory = resident_memory()
    keep_freed_memory()
    started = time.perf_counter()
    torch.manual_seed(0)
    model = create_model("lattice", num_users=graph.num_users, num_items=graph.num_items, feature_dims=dims)
    assert isinstance(model, Recommender)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    triples = TripleSampler(graph).epoch(torch.Generator().manual_seed(0))
    model.begin_epoch(graph, features)
    for start in range(0, BATCH * STEPS, BATCH):
        batch = Batch(*(column[start : start + BATCH] for column in triples))
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(model.loss(graph, features, batch).values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    training_peak = peak_memory() - data_memory
    ranked = dataset.test.select(dataset.test.user < RANKED_USERS)
    scorer = EmbeddingScorer(model.embeddings(graph, features))
    evaluate(scorer, graph, ranked, EvalOptions(ks=(20,), beyond_accuracy=False))
    mebibyte = 2**20
    return {
        "users": graph.num_users,
        "items": graph.num_items,
        "interactions": shape["num_interactions"],
        "feature values an item": sum(dims.values()),
        "peak above data, MB": (peak_memory() - data_memory) * mebibyte / 1e6,
        "of it in training, MB": training_peak * mebibyte / 1e6,
        "data and libraries, MB": data_memory * mebibyte / 1e6,
        "one n x n matrix, MB": graph.num_items**2 * 4 / 1e6,
        "seconds": time.perf_counter() - started,
    }


def report_lines(report: dict[str, Any]) -> list[str]:
    """The report as Markdown."""
    rows, exponent = report["rows"], report["exponent"]
    header = ["items", "users", "feature values an item", "peak above the data, MB", "one n x n matrix, MB", "s"]
    table = [
        [
            f"{row['items']:,}",
            f"{row['users']:,}",
            f"{row['feature values an item']:,}",
            f"{row['peak above data, MB']:,.0f}",
            f"{row['one n x n matrix, MB']:,.0f}",
            f"{row['seconds']:.0f}",
        ]
        for row in rows
    ]
    reached = rows[0]["peak above data, MB"]
    verdict = "within" if reached <= LIMIT else "above"
    intro = f"""
        Written by `python benchmarks/latent_memory.py`. Synthetic logs of Amazon Baby's shape and of
        {report["factor"]:g} times its users, items and interactions. The first row has image 4096-d and text 384-d
        features; growth is shown with two modalities of 64-d at both sizes. The first row is {verdict} the limit of
        {LIMIT} MB. Between the other two the peak grows with the items to the power of {exponent:.2f}; an n x n matrix
        would grow to the power of 2.
    """
    return ["# Memory of LATTICE", "", *paragraph(intro), *table_lines(header, table)]


def main() -> None:
    """Parse the command line and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=float, default=1.0, help="size of the first rows, for a trial")
    parser.add_argument("--factor", type=float, default=10.0, help="size of the last row in terms of the others")
    parser.add_argument("--out", type=Path, help="file without suffix for .json and .md")
    options = parser.parse_args()
    rows = []
    for scale, dims in ((1.0, WIDE), (1.0, NARROW), (options.factor, NARROW)):
        rows.append(run_in_own_process(measure, scale * options.base, dims))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    small, large = (row["peak above data, MB"] for row in rows[1:])
    report = {"factor": options.factor, "rows": rows, "exponent": math.log(large / small) / math.log(options.factor)}
    text = "\n".join(report_lines(report))
    print(text)
    full = (options.base, options.factor) == (1.0, 10.0)
    out = options.out or (RESULTS / "latent_memory" if full else None)
    if out is not None:
        out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        out.with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
