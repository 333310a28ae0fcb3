"""Memory of jobs in processes of their own."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import own_process
import pytest
import torch
from own_process import run_in_own_process

from gnnrec.training.peak_memory import forget_peak_memory, peak_memory, resident_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's counters")


def peak_of(mebibytes: int) -> float:
    forget_peak_memory()
    before = resident_memory()
    table = torch.ones(mebibytes, 2**18)
    del table
    return peak_memory() - before


def test_each_job_has_its_own_peak() -> None:
    assert 60 <= run_in_own_process(peak_of, 64) <= 90
    assert run_in_own_process(peak_of, 1) <= 30


def test_an_error_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        run_in_own_process(divmod, 1, 0)


CALLER = """
import fcntl, sys, time
from own_process import run_in_own_process

def hold(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        print("held", flush=True)
        time.sleep(600)

if __name__ == "__main__":
    run_in_own_process(hold, sys.argv[1])
"""


def test_a_job_ends_with_a_caller_that_was_killed(tmp_path: Path) -> None:
    script, lock = tmp_path / "caller.py", tmp_path / "lock"
    script.write_text(CALLER)
    benchmarks = str(Path(own_process.__file__).parent)
    caller = subprocess.Popen(
        [sys.executable, script, lock],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([benchmarks, os.environ.get("PYTHONPATH", "")])},
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == "held\n"
    caller.kill()
    caller.wait()
    assert caller.stdout.read() == ""  # ends when the last process that could write to it has ended
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
