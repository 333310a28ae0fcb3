"""How much memory a piece of work takes."""

import ctypes
import gc
import platform
import resource
from pathlib import Path

import torch

__all__ = ["forget_peak_memory", "peak_memory", "resident_memory"]


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
