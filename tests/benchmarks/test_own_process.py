"""Memory of jobs in processes of their own."""

import sys

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
