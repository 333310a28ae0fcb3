"""What a step of end-to-end training costs beside its parts.

    python benchmarks/end_to_end_cost.py [--models vbpr lattice] [--items 400] [--max-items 64]

On a generated catalog of pictures: an end-to-end step of the recommender with a small encoder, the encoder alone
(forward and backward on as many items as a step touches), and a step on frozen features, in turn in one process, so
that a busy machine slows all of them alike. Written to results/end_to_end_cost.json.
"""

import argparse
import json
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from encoders.errors import RandomWeightsWarning
from gnnrec.data import Dataset, read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.splits import apply_split
from gnnrec.models import create_model
from gnnrec.models.base import Batch, Recommender
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.end_to_end import EndToEnd
from gnnrec.training.live_options import LiveOptions
from gnnrec.training.sampler import TripleSampler
from graphs import BipartiteGraph

__all__ = ["main", "measure"]

RESULTS = Path(__file__).parent / "results"
REPEATS = 15


def measure(model_name: str, dataset: Dataset, max_items: int, batch_size: int) -> dict[str, Any]:
    """Seconds of an end-to-end step, of the encoder alone, and of a step on frozen features."""
    graph = BipartiteGraph.from_interactions(dataset.train)
    source = EncoderSource("audioclip-tiny", modalities=("image",))
    options = LiveOptions(max_items=max_items, learning_rate=1e-5)
    live = create_live_features(content_catalog(dataset), [source], options)
    torch.manual_seed(0)
    model = create_model(model_name, num_users=graph.num_users, num_items=graph.num_items, feature_dims=live.dims)
    assert isinstance(model, Recommender), "the models that this is about"
    joint = EndToEnd(model, live).train()
    joint.begin_epoch(graph, {})
    frozen = live.current()
    triples = TripleSampler(graph).epoch(torch.Generator().manual_seed(0))
    batch = Batch(*(column[:batch_size] for column in triples))
    touched = torch.unique(torch.cat([batch.positives, batch.negatives]))
    (name,), mask = live.names, live.contents[0].mask
    encoded = touched[mask[touched]][:max_items].tolist()
    optimizers = {
        "end_to_end": torch.optim.AdamW(joint.parameter_groups(), lr=1e-3, weight_decay=0.0, fused=True),
        "frozen": torch.optim.AdamW(model.parameter_groups(), lr=1e-3, weight_decay=0.0, fused=True),
    }

    def step(kind: str) -> None:
        terms = joint.loss(graph, {}, batch) if kind == "end_to_end" else model.loss(graph, frozen, batch)
        optimizers[kind].zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()
        optimizers[kind].step()

    def encode() -> None:
        live.zero_grad(set_to_none=True)
        live.encode(name, encoded).sum().backward()

    seconds = _in_turn({"end_to_end": lambda: step("end_to_end"), "encoder": encode, "frozen": lambda: step("frozen")})
    least = {kind: min(values) for kind, values in seconds.items()}
    ratios = [
        whole / (encoder + rest)
        for whole, encoder, rest in zip(seconds["end_to_end"], seconds["encoder"], seconds["frozen"], strict=True)
    ]
    return {
        "model": model_name,
        "items": graph.num_items,
        "encoded_items": len(encoded),
        "batch_size": batch_size,
        "least_seconds": {kind: round(value, 4) for kind, value in least.items()},
        "ratio_of_least": round(least["end_to_end"] / (least["encoder"] + least["frozen"]), 3),
        "median_ratio": round(statistics.median(ratios), 3),
    }


def _in_turn(functions: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for repeat in range(REPEATS + 2):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            if repeat >= 2:  # the first ones allocate
                seconds[name].append(time.perf_counter() - started)
    return seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["vbpr", "lattice", "mmgcn"])
    parser.add_argument("--items", type=int, default=400)
    parser.add_argument("--max-items", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--out", type=Path, default=RESULTS / "end_to_end_cost.json")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomWeightsWarning)
        write_demo_catalog(Path(folder) / "catalog", num_users=options.items // 2, num_items=options.items)
        dataset = apply_split(read_dataset(Path(folder) / "catalog"), "ratio", 0)
        rows = [measure(name, dataset, options.max_items, options.batch_size) for name in options.models]
    threads = torch.get_num_threads()
    options.out.write_text(json.dumps({"threads": threads, "models": rows}, indent=2) + "\n", encoding="utf-8")
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
