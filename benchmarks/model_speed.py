"""Speed and memory of the multimodal models on Amazon Baby's shape, image 4096-d and text 384-d features.

    python benchmarks/model_speed.py                          every model, each in a process of its own
    python benchmarks/model_speed.py --models vbpr lattice    some

Seconds an epoch, the share of each stage, one full evaluation, the peak memory above the data, and the ratio to a
floor: operations and bytes counted from the model's equations (floors.py) at the rates of this machine, measured in the
same process (rates.py). A run of all models is kept as results/model_speed.json and .md.
"""

import argparse
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import torch
from floor import Floor
from floors import FLOORS, Shape
from machine import bare_ranking, best_and_median
from own_process import run_in_own_process
from rates import Rates
from synthetic import BABY, everyone, synthetic_dataset
from table_text import paragraph, table_lines

import gnnrec
from gnnrec.evaluation import EvalOptions, evaluate
from gnnrec.models import Batch, EmbeddingScorer, Recommender, create_model
from gnnrec.training import TripleSampler
from gnnrec.training.allocator import keep_freed_memory
from gnnrec.training.peak_memory import forget_peak_memory, peak_memory, resident_memory
from graphs import BipartiteGraph

RESULTS = Path(__file__).parent / "results"
DIMS = {"image": 4096, "text": 384}
BATCH = 2048
KS = (10, 20, 50)
EPOCH_LIMITS = {"vbpr": 1.6, "lattice": 2.0, "slmrec": 8.0, "mmgcl": 14.0, "mmgcn": 26.0, "freedom": 7.0, "bm3": 7.0}
"""Seconds an epoch at most, on two quiet cores."""
EVALUATION_LIMIT = 0.8
RATIO_LIMITS = {"mmgcn": 1.3}
"""Ratio to the floor at most, where it is not :data:`RATIO_LIMIT`; it decides where the machine is busy."""
RATIO_LIMIT = 2.0
STAGES = ("begin_epoch", "sampling", "forward", "backward", "optimizer", "rest")


def train_epoch(
    model: Recommender,
    optimizer: torch.optim.Optimizer,
    sampler: TripleSampler,
    generator: torch.Generator,
    features: Any,
) -> dict[str, float]:
    """The training loop's epoch with a clock; gives the seconds of each stage and ``"epoch"``."""
    graph, seconds = sampler.graph, dict.fromkeys(STAGES, 0.0)
    started = last = time.perf_counter()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.perf_counter()
        seconds[stage] += now - last
        last = now

    model.train()
    model.begin_epoch(graph, features)
    lap("begin_epoch")
    triples = sampler.epoch(generator)
    lap("sampling")
    sums = torch.zeros(())
    for columns in zip(*(torch.split(column, BATCH) for column in triples), strict=True):
        lap("rest")
        values = torch.stack(list(model.loss(graph, features, Batch(*columns)).values()))
        lap("forward")
        optimizer.zero_grad(set_to_none=True)
        values.sum().backward()  # type: ignore[no-untyped-call]
        lap("backward")
        optimizer.step()
        lap("optimizer")
        sums = sums + values.detach()
    lap("rest")
    assert torch.isfinite(sums).all()
    return seconds | {"epoch": time.perf_counter() - started}


def measure(name: str, epochs: int, scale: float) -> dict[str, Any]:
    """Everything about one model, in the present process; ``scale`` shrinks the data for a trial."""
    shape = {key: round(size * scale) for key, size in BABY.items()}
    dataset = synthetic_dataset(**shape, feature_dims=DIMS)
    graph, features = BipartiteGraph.from_interactions(dataset.train), dataset.features
    forget_peak_memory()
    data_memory = resident_memory()
    keep_freed_memory()
    torch.manual_seed(0)
    model = create_model(name, num_users=graph.num_users, num_items=graph.num_items, feature_dims=DIMS)
    assert isinstance(model, Recommender)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    sampler, generator = TripleSampler(graph), torch.Generator().manual_seed(0)
    # The first epoch builds what is kept: graphs of neighbours, adjacency, buffers.
    first, *timed = [train_epoch(model, optimizer, sampler, generator, features) for _ in range(epochs + 1)]
    best = min(timed, key=lambda epoch: epoch["epoch"])
    ranked, options = everyone(dataset), EvalOptions(ks=KS, beyond_accuracy=False)

    def full_evaluation() -> None:
        evaluate(EmbeddingScorer(model.embeddings(graph, features)), graph, ranked, options)

    evaluation = best_and_median(full_evaluation, 3)
    embedding = best_and_median(lambda: model.embeddings(graph, features), 3)
    peak = peak_memory() - data_memory
    vectors = model.embeddings(graph, features)
    bare = best_and_median(lambda: bare_ranking(*vectors, max(KS), 4_000_000 // graph.num_items), 3)
    result = {
        "shape": {**shape, "train": graph.num_edges, "steps": math.ceil(len(sampler) / BATCH)},
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "epoch": _least_and_median([epoch["epoch"] for epoch in timed]),
        "first epoch": first["epoch"],
        "share by stage": {stage: best[stage] / best["epoch"] for stage in STAGES},
        "evaluation": {"least": evaluation[0], "median": evaluation[1]},
        "embeddings alone": {"least": embedding[0], "median": embedding[1]},
        "bare product and top-k": {"least": bare[0], "median": bare[1]},
        "peak above data, MiB": peak,
        "data and libraries, MiB": data_memory,
    }
    floor = Floor(Rates(), math.ceil(len(sampler) / BATCH))
    FLOORS[name](floor, model, Shape.of(graph, features, sampler.epoch(generator), BATCH))
    floor.sampling(graph.num_edges)
    return result | {
        "floor": floor.seconds,
        "floor by stage": floor.stages,
        "ratio": {key: value / floor.seconds for key, value in result["epoch"].items()},
    }


def _least_and_median(seconds: list[float]) -> dict[str, float]:
    return {"least": min(seconds), "median": sorted(seconds)[len(seconds) // 2]}


def report_lines(report: dict[str, Any]) -> list[str]:
    """The report as Markdown."""
    shape = next(iter(report["models"].values()))["shape"]
    intro = f"""
        Written by `python benchmarks/model_speed.py`. Synthetic log of Amazon Baby's shape: {shape["num_users"]:,}
        users, {shape["num_items"]:,} items, {shape["train"]:,} training pairs, {shape["steps"]} steps of {BATCH};
        features of {" and ".join(map(str, DIMS.values()))} dimensions; {report["threads"]} threads, torch
        {report["versions"]["torch"]}. Seconds are the least and, in brackets, the median of {report["epochs"]} epochs
        after a first one. The floor is what the model's equations have to compute and move, at the rates of this
        machine measured in the same process. One evaluation works out the embeddings and ranks all items for all users.
        Memory is the peak above the data.
    """
    header = ["model", "s an epoch", "limit", "floor, s", "ratio", "limit", "evaluation, s", "limit", "peak MiB"]
    rows, shares = [], []
    for name, result in report["models"].items():
        epoch, evaluation = result["epoch"], result["evaluation"]
        rows.append(
            [
                name,
                f"{epoch['least']:.2f} ({epoch['median']:.2f})",
                f"{EPOCH_LIMITS[name]:g}" if name in EPOCH_LIMITS else "-",
                f"{result['floor']:.2f}",
                f"{result['ratio']['least']:.2f}",
                f"{RATIO_LIMITS.get(name, RATIO_LIMIT):g}",
                f"{evaluation['least']:.2f} ({evaluation['median']:.2f})",
                f"{EVALUATION_LIMIT:g}",
                f"{result['peak above data, MiB']:,.0f}",
            ]
        )
        shares.append([name, *(f"{result['share by stage'][stage]:.0%}" for stage in STAGES)])
    lines = ["# Speed and memory of the multimodal models", "", *paragraph(intro), *table_lines(header, rows)]
    lines += paragraph("Share of an epoch's time by stage:")
    return [*lines, *table_lines(["model", *STAGES], shares)]


def main() -> None:
    """Parse the command line and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = list(FLOORS)
    parser.add_argument("--models", nargs="+", default=every, choices=every)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the data, for a trial")
    parser.add_argument("--out", type=Path, help="file without suffix for .json and .md")
    options = parser.parse_args()
    report: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "epochs": options.epochs,
        "versions": {"gnnrec": gnnrec.__version__, "torch": torch.__version__},
        "models": {},
    }
    for name in options.models:
        report["models"][name] = run_in_own_process(measure, name, options.epochs, options.scale)
        print(f"{name}: {json.dumps(report['models'][name]['epoch'])}", file=sys.stderr, flush=True)
    text = "\n".join(report_lines(report))
    print(text)
    complete = options.models == every and options.scale == 1
    out = options.out or (RESULTS / "model_speed" if complete else None)
    if out is not None:
        out.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        out.with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
