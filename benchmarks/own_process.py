"""Jobs in processes of their own, so that one job's peak memory is not another's."""

import ctypes
import gc
import multiprocessing
import platform
import resource
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch

__all__ = ["forget_peak_memory", "peak_memory", "resident_memory", "run_in_own_process"]

Result = TypeVar("Result")

# Each job is a fork of a server that has imported torch and nothing else: it starts in milliseconds, and other than a
# fork of this process, or a new program started by it, it inherits no peak memory and no thread pool.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["gnnrec.training.experiment"])


def run_in_own_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function of a module, with arguments that can be pickled, in a new process; its errors are raised here."""
    with ProcessPoolExecutor(1, mp_context=_CONTEXT) as pool:
        return pool.submit(function, *arguments).result()


def peak_memory() -> float:
    """Largest resident size of this process since :func:`forget_peak_memory`, or ever, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident_memory() -> float:
    """Resident size of this process now, in MiB (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def forget_peak_memory() -> None:
    """Start :func:`peak_memory` anew from the present size (Linux; not in a sandbox that hides the counter).

    What torch loads with its first optimiser, over a hundred MB, is loaded before: it is no model's. And what was freed
    goes back to the kernel: it would hide as much of what comes next.
    """
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([weight], fused=True)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    del weight, optimizer
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
