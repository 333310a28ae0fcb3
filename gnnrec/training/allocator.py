"""Memory that stays with the process."""

import ctypes
import platform
from functools import cache

__all__ = ["keep_freed_memory"]

_MMAP_THRESHOLD = -3
_TRIM_THRESHOLD = -1


@cache
def keep_freed_memory() -> bool:
    """Let glibc keep large freed blocks instead of returning them to the kernel.

    A fresh block of 7 MB costs a page fault every 4 KiB, several times the sparse product that fills it; training and
    ranking free and ask for the same sizes at every step. Only glibc has the knob; elsewhere nothing happens. It holds
    for the whole process, so the command line turns it and a library's function does not.

    Returns:
        Whether the setting was made.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(_MMAP_THRESHOLD, 1 << 30)) and bool(libc.mallopt(_TRIM_THRESHOLD, (1 << 31) - 1))
