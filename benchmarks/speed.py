"""Speed of training and ranking against the floor that this machine's own rates imply.

    python benchmarks/speed.py                 stages, floors, and PyG's LightGCN beside ours, on Amazon Baby's shape
    python benchmarks/speed.py --scaling       1x, 10x and 100x the interactions: seconds, peak memory, exponents

Everything that is compared is measured in the same run. Results go to standard output and, with --out FILE, as JSON.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from machine import Machine, bare_ranking, best_and_median, measure_machine
from synthetic import BABY, everyone, synthetic_dataset

from gnnrec.evaluation import EvalOptions, evaluate
from gnnrec.models import Embeddings, EmbeddingScorer, LightGCN
from gnnrec.training import TrainOptions, TripleSampler, fit
from gnnrec.training.allocator import keep_freed_memory
from graphs import BipartiteGraph

DIM, LAYERS, BATCH = 64, 3, 2048
KS = (10, 20, 50)


def lightgcn_floor(machine: Machine, graph: BipartiteGraph, steps: int) -> dict[str, dict[str, float]]:
    """What one epoch of LightGCN has to compute and move, and the seconds that takes at this machine's rates."""
    adjacency = graph.adjacency("symmetric")
    table = adjacency.shape[0] * DIM * 4  # bytes of one embedding table
    rows = 3 * BATCH * DIM * 4  # bytes of one step's rows
    operations = {"sparse products": 2 * LAYERS * 2 * adjacency.num_nonzeros * DIM}
    moved = {
        "layer means": 2 * LAYERS * 2 * table,  # each product adds its layer to a mean: read and write once
        "gathers": 2 * 2 * rows,  # of the final and of the ego table
        "gradient scatter": 2 * (2 * rows + table),  # into zeroed tables
        "optimizer": 7 * table,  # read parameter, gradient and two moments, write three of them
    }
    # A negative, a position in the order, two lookups and three gathered columns for each pair, 8 bytes each.
    epoch_moved = {"sampling": 8 * 12 * graph.num_edges}
    floor = {
        name: {"operations": count * steps, "seconds": count * steps / machine.spmm}
        for name, count in operations.items()
    }
    floor |= {name: {"bytes": count * steps, "seconds": count * steps / machine.copy} for name, count in moved.items()}
    return floor | {name: {"bytes": count, "seconds": count / machine.copy} for name, count in epoch_moved.items()}


def pyg_epoch(graph: BipartiteGraph) -> float:
    """Seconds of one epoch of PyG's LightGCN in a plain DataLoader loop, as in its examples."""
    from torch.utils.data import DataLoader
    from torch_geometric.nn.models import LightGCN as PygLightGCN

    model = PygLightGCN(graph.num_nodes, DIM, LAYERS)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    user, item = graph.edge_index[0], graph.edge_index[1] + graph.num_users
    edge_index = torch.cat([torch.stack([user, item]), torch.stack([item, user])], dim=1)
    started = time.perf_counter()
    for index in DataLoader(range(graph.num_edges), shuffle=True, batch_size=BATCH):
        positives = torch.stack([user[index], item[index]])
        others = torch.randint(graph.num_users, graph.num_nodes, (index.numel(),))
        negatives = torch.stack([user[index], others])
        ranks = model(edge_index, torch.cat([positives, negatives], dim=1))
        positive, negative = ranks.chunk(2)
        nodes = torch.cat([positives.flatten(), others]).unique()
        loss = model.recommendation_loss(positive, negative, node_id=nodes, lambda_reg=1e-4)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - started


def stages(epochs: int, with_pyg: bool) -> dict[str, object]:
    """Train and rank on Amazon Baby's shape; give seconds, floors and ratios."""
    keep_freed_memory()
    dataset = synthetic_dataset(**BABY, feature_dims={"image": 64})
    graph = BipartiteGraph.from_interactions(dataset.train)
    steps = math.ceil(graph.num_edges / BATCH)
    machine = measure_machine(graph.adjacency("symmetric"), DIM)
    torch.manual_seed(0)
    model = LightGCN(graph.num_users, graph.num_items, embedding_dim=DIM, num_layers=LAYERS)
    state = fit(model, graph, {}, TrainOptions(batch_size=BATCH, max_epochs=epochs))
    seconds = sorted(record["train_seconds"] for record in state.history[1:])
    sampler, generator = TripleSampler(graph), torch.Generator().manual_seed(0)
    sampling = best_and_median(lambda: sampler.epoch(generator), 15)
    floor = lightgcn_floor(machine, graph, steps)
    total = sum(stage["seconds"] for stage in floor.values())
    embeddings = Embeddings(*model.embeddings(graph, {})[:2])
    scorer = EmbeddingScorer(embeddings)
    ranked, options = everyone(dataset), EvalOptions(ks=KS)
    full = best_and_median(lambda: evaluate(scorer, graph, ranked, options, features=dataset.features), 5)
    accuracy = EvalOptions(ks=KS, beyond_accuracy=False)
    accuracy_only = best_and_median(lambda: evaluate(scorer, graph, ranked, accuracy), 5)
    block = 4_000_000 // graph.num_items
    bare = best_and_median(lambda: bare_ranking(embeddings.user, embeddings.item, max(KS), block), 5)
    report: dict[str, object] = {
        "shape": {**BABY, "train": graph.num_edges, "steps": steps, "threads": torch.get_num_threads()},
        "machine": vars(machine),
        "epoch": {
            "seconds": {"least": seconds[0], "median": seconds[len(seconds) // 2]},
            "floor by stage": floor,
            "floor": total,
            "ratio": {
                "least": seconds[0] / total,
                "median": seconds[len(seconds) // 2] / total,
            },
        },
        "sampling": {"seconds": sampling[0], "share of epoch": sampling[0] / seconds[0]},
        "ranking": {
            "seconds": {"least": full[0], "median": full[1]},
            "accuracy metrics only": {"least": accuracy_only[0], "median": accuracy_only[1]},
            "bare product and top-k": {"least": bare[0], "median": bare[1]},
            "product alone at the GEMM rate": 2 * graph.num_users * graph.num_items * DIM / machine.gemm,
            "ratio": {"least": full[0] / bare[0], "median": full[1] / bare[1]},
        },
    }
    if with_pyg:
        pyg = pyg_epoch(graph)
        report["PyG LightGCN"] = {"seconds": pyg, "times slower": pyg / seconds[len(seconds) // 2]}
    return report


def scale_once(scale: int) -> dict[str, float]:
    """Stages at ``scale`` times Amazon Baby's users, items and interactions, in a process of its own."""
    keep_freed_memory()
    shape = {name: size * scale for name, size in BABY.items()}
    dataset = synthetic_dataset(**shape, feature_dims={"image": 16})
    result: dict[str, float] = {"interactions": shape["num_interactions"]}
    started = time.perf_counter()
    graph = BipartiteGraph.from_interactions(dataset.train)
    graph.adjacency("symmetric")
    result["graph"] = time.perf_counter() - started
    sampler, generator = TripleSampler(graph), torch.Generator().manual_seed(0)
    repeats = 5 if scale < 100 else 2
    result["sampling an epoch"] = best_and_median(lambda: sampler.epoch(generator), repeats)[0]
    model = LightGCN(graph.num_users, graph.num_items, embedding_dim=DIM, num_layers=LAYERS)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    triples = sampler.epoch(generator)
    batch = type(triples)(*(column[: BATCH * scale] for column in triples))

    def step() -> None:
        loss = sum(model.loss(graph, {}, batch).values())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    result["training step"] = best_and_median(step, repeats)[0]
    scorer = EmbeddingScorer(Embeddings(*model.embeddings(graph, {})[:2]))
    few = dataset.test.select(dataset.test.user < 2_000)
    result["ranking 2,000 users"] = best_and_median(
        lambda: evaluate(scorer, graph, few, EvalOptions(ks=KS, beyond_accuracy=False)), repeats
    )[0]
    result["peak memory, MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def scaling(scales: list[int]) -> dict[str, object]:
    """Run every scale and fit the exponents between the first and the last."""
    rows = []
    for scale in scales:
        command = [sys.executable, __file__, "--scale", str(scale)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    factor = math.log(scales[-1] / scales[0])
    exponents = {name: math.log(rows[-1][name] / rows[0][name]) / factor for name in rows[0]}
    return {"scales": scales, "rows": rows, "exponents": exponents}


def main() -> None:
    """Parse the command line and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--without-pyg", action="store_true")
    parser.add_argument("--scaling", action="store_true")
    parser.add_argument("--scales", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--scale", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.scale:
        print(json.dumps(scale_once(options.scale)))
        return
    report = scaling(options.scales) if options.scaling else stages(options.epochs, not options.without_pyg)
    text = json.dumps(report, indent=2)
    print(text)
    if options.out:
        Path(options.out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
