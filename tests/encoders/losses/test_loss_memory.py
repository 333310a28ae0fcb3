import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc")

BATCH, DIM = 8192, 256
LIMIT_MIB = 300
"""One similarity matrix of the batch has 256 MiB; a dense loss holds several, blocks of 1,024 rows two of 32 MiB."""

MEASURE = """
import re, sys
from pathlib import Path
import torch
from encoders.losses import info_nce, nt_xent, tri_modal_loss

torch.set_num_threads(1)
batch, dim, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
def dense(first, second):
    scores = first @ second.T
    target = torch.arange(len(first))
    return torch.nn.functional.cross_entropy(scores, target) + torch.nn.functional.cross_entropy(scores.T, target)
losses = {
    "info_nce": lambda x, y, z: info_nce(x, y, temperature=0.1),
    "nt_xent": lambda x, y, z: nt_xent(x, y),
    "tri_modal": lambda x, y, z: tri_modal_loss([(x, y, 10.0), (x, z, 10.0), (y, z, 10.0)]),
    "dense": lambda x, y, z: dense(x, y),
}
def step(count):
    views = [torch.randn(count, dim, requires_grad=True) for _ in range(3)]
    views = [torch.nn.functional.normalize(view) for view in views]
    losses[name](*views).backward()
def peak():  # not ru_maxrss, which starts at the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
step(64)  # what the libraries themselves take
before = peak()
step(batch)
print(peak() - before)
"""


def growth(name):
    """Growth of the peak memory by a forward and a backward pass, in MiB, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(BATCH), str(DIM), name], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


@pytest.mark.parametrize("name", ["info_nce", "nt_xent", "tri_modal"])
def test_a_batch_of_8192_stays_below_a_limit(name):
    assert growth(name) < LIMIT_MIB


def test_a_dense_loss_would_not():
    assert growth("dense") > 2 * LIMIT_MIB
