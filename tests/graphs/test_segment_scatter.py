"""torch_scatter speeds segment reductions up and changes no result.

Skipped where torch_scatter is not installed, unless GNNREC_REQUIRE_SCATTER=1 asks for it.
"""

import importlib.util
import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json
import sys

if sys.argv[1] == "without":
    sys.modules["torch_scatter"] = None  # makes every import of it fail

import torch
import torch_geometric.typing

calls = 0
if torch_geometric.typing.WITH_TORCH_SCATTER:
    import torch_scatter

    kernel = torch_scatter.segment_csr

    def counted(*arguments, **options):
        global calls
        calls += 1
        return kernel(*arguments, **options)

    torch_scatter.segment_csr = counted

from graphs import BipartiteGraph, segment_reduce, summary

draw = torch.Generator().manual_seed(11)
size = torch.randint(0, 6, (50,), generator=draw)  # some runs are empty
pointer = torch.cat([torch.zeros(1, dtype=torch.int64), size.cumsum(0)])
values = {
    "vector": torch.randn(int(size.sum()), generator=draw),
    "matrix": torch.randn(int(size.sum()), 7, generator=draw),
    "integers": torch.randint(-9, 9, (int(size.sum()), 3), generator=draw),
}
reduced = {
    f"{name} {reduce}": segment_reduce(x, pointer, reduce).double().flatten().tolist()
    for name, x in values.items()
    for reduce in ("sum", "mean", "min", "max")
}
user, item = (torch.randint(0, size, (700,), generator=draw) for size in (80, 60))
mask = torch.rand(60, generator=draw) < 0.7
graph = BipartiteGraph(torch.stack([user, item]), num_users=90, num_items=60)
before = calls
told = summary(graph, {"text": (torch.randn(60, 32, generator=draw), mask)}).to_dict()
print(json.dumps({
    "scatter": torch_geometric.typing.WITH_TORCH_SCATTER,
    "reduce_calls": before,
    "summary_calls": calls - before,
    "reduced": reduced,
    "summary": told,
}))
"""


def run(how):
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def flattened(value, path=""):
    if isinstance(value, dict):
        return {key: item for name in value for key, item in flattened(value[name], f"{path}/{name}").items()}
    return {path: value}


def test_results_with_and_without_torch_scatter_are_equal():
    if importlib.util.find_spec("torch_scatter") is None:
        if os.environ.get("GNNREC_REQUIRE_SCATTER") == "1":
            pytest.fail("GNNREC_REQUIRE_SCATTER=1, but torch_scatter is not installed")
        pytest.skip("torch_scatter is not installed")
    without, with_scatter = run("without"), run("with")
    assert without["scatter"] is False
    assert with_scatter["scatter"] is True
    # The kernel truly ran: for both floating inputs in all four reductions, and in the summary.
    assert (without["reduce_calls"], with_scatter["reduce_calls"]) == (0, 8)
    assert without["summary_calls"] == 0
    assert with_scatter["summary_calls"] >= 1
    assert with_scatter["reduced"].keys() == without["reduced"].keys()
    for name, expected in without["reduced"].items():
        assert with_scatter["reduced"][name] == pytest.approx(expected, rel=1e-6, abs=1e-6), name
    expected = flattened(without["summary"])
    assert expected["/homophily/text/num_users"] > 50
    assert flattened(with_scatter["summary"]) == pytest.approx(expected, rel=1e-6, abs=1e-7)
