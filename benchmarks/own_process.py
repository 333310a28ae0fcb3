"""Jobs in processes of their own, so that one job's peak memory is not another's."""

import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait
from typing import Any, TypeVar

__all__ = ["run_in_own_process"]

Result = TypeVar("Result")

# Each job is a fork of a server that has imported torch and nothing else: it starts in milliseconds, and other than a
# fork of this process, or a new program started by it, it inherits no peak memory and no thread pool.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["gnnrec.training.experiment"])


def run_in_own_process(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function of a module, with arguments that can be pickled, in a new process; its errors are raised here.

    The process ends with this one, however that ends: a job that nobody waits for would keep its run locked.
    """
    with ProcessPoolExecutor(1, mp_context=_CONTEXT, initializer=_end_with_parent) as pool:
        return pool.submit(function, *arguments).result()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
