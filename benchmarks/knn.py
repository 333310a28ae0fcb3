"""The nearest-neighbour graph beside the bare block product and top-k, and how its memory grows.

    python benchmarks/knn.py
    python benchmarks/knn.py --without-memory --repeats 3

Times alternate in one process, on clusters with noise; memory is what one call adds to the peak of the resident set,
each size in a process of its own (read from /proc, so on Linux only).
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from gnnrec.training.allocator import keep_freed_memory
from graphs import knn_graph

NUM_ITEMS, DIM, K = 7_050, 4_096, 10
MEMORY_ITEMS, MEMORY_DIM = (7_050, 70_500), 64
BLOCK_VALUES = 8_000_000


def clustered(num_items: int, dim: int) -> Tensor:
    """Features of about ten items a cluster."""
    generator = torch.Generator().manual_seed(0)
    centre = torch.randn(max(1, num_items // 10), dim, generator=generator)
    place = torch.randint(centre.shape[0], (num_items,), generator=generator)
    return centre[place] + torch.randn(num_items, dim, generator=generator)


def bare(unit: Tensor, k: int) -> None:
    """What no exact search can do without, into kept memory: the product of unit rows in blocks and its top-k."""
    block = BLOCK_VALUES // unit.shape[0]
    scores = torch.empty(block, unit.shape[0])
    for rows in torch.split(unit, block):
        torch.mm(rows, unit.T, out=scores[: rows.shape[0]]).topk(k, dim=1)


def seconds_of(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds of one call, and those that processors spent on it, which other processes do not lengthen as much."""
    started, busy = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - started, time.process_time() - busy


def speed(repeats: int) -> dict[str, object]:
    """Both in turn; the ratio of the least times and that of the medians."""
    x = clustered(NUM_ITEMS, DIM)
    unit = torch.nn.functional.normalize(x, dim=1)
    functions = {"knn_graph": lambda: knn_graph(x, K), "bare": lambda: bare(unit, K)}
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in functions}
    for turn in range(repeats + 1):
        for name, function in functions.items():
            passed = seconds_of(function)
            if turn:  # the first call of each warms up
                runs[name].append(passed)
    report: dict[str, object] = {"items": NUM_ITEMS, "dim": DIM, "k": K, "threads": torch.get_num_threads()}
    for clock, kind in enumerate(("seconds", "processor seconds")):
        ours, theirs = (sorted(run[clock] for run in runs[name]) for name in functions)
        middle = len(ours) // 2
        report[kind] = {
            "knn_graph": {"least": ours[0], "median": ours[middle]},
            "bare": {"least": theirs[0], "median": theirs[middle]},
            "ratio": {"least": ours[0] / theirs[0], "median": ours[middle] / theirs[middle]},
        }
    return report


def resident_kib(kind: str) -> int:
    """This process's resident memory now, ``"VmRSS"``, or at its peak, ``"VmHWM"``.

    ``getrusage`` would not do: there a child starts with its parent's peak.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(kind))


def memory_once(num_items: int) -> dict[str, float]:
    """Growth of this process's memory at the peak of one call."""
    x = clustered(num_items, MEMORY_DIM)
    knn_graph(x[:50], K)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = resident_kib("VmRSS")
    seconds, _ = seconds_of(lambda: knn_graph(x, K))
    return {"items": num_items, "peak growth, MiB": (resident_kib("VmHWM") - before) / 1024, "seconds": seconds}


def memory() -> dict[str, object]:
    """Every size, and the bytes an item that the larger one costs more."""
    rows = []
    for num_items in MEMORY_ITEMS:
        command = [sys.executable, __file__, "--memory-of", str(num_items)]
        rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    more = 2**20 * (rows[-1]["peak growth, MiB"] - rows[0]["peak growth, MiB"])
    return {
        "dim": MEMORY_DIM,
        "k": K,
        "rows": rows,
        "bytes an item more": more / (MEMORY_ITEMS[-1] - MEMORY_ITEMS[0]),
        "bytes of an item's vector and neighbours": 4 * MEMORY_DIM + 20 * K,
    }


def main() -> None:
    """Parse the command line and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--without-memory", action="store_true")
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--out")
    options = parser.parse_args()
    if options.memory_of:
        print(json.dumps(memory_once(options.memory_of)))
        return
    keep_freed_memory()
    report = {"speed": speed(options.repeats)}
    if not options.without_memory:
        report["memory"] = memory()
    text = json.dumps(report, indent=2)
    print(text)
    if options.out:
        Path(options.out).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
