"""Processes that prepare items, any of which may die or hang."""

import contextlib
import multiprocessing
import pickle
import queue
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import torch
from torch import Tensor

from encoders.errors import EncoderError
from encoders.store.attempts import Attempts

__all__ = ["Task", "Workers"]

Task = Callable[[range, Attempts], Any]
"""Prepares the items of a chunk; before each it says which it takes in hand."""

_AHEAD = 8
"""Chunks that a worker makes before they are asked for."""
_IDLE_SECONDS = 60.0
"""How long a worker with work may have nothing in hand, as before its first item."""
_MOST_FAILURES = 3
# A fork starts at once, and knows classes of notebooks. It is made between two batches, when nothing here computes.
_METHOD = "fork" if sys.platform == "linux" else "spawn"


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    attempts: Attempts
    chunks: dict[int, range] = field(default_factory=dict)
    heard: float = field(default_factory=time.monotonic)

    def deadline(self, item_seconds: float) -> float:
        """When it counts as hung."""
        if not self.chunks:
            return float("inf")
        item, since = self.attempts.in_hand()
        return self.heard + _IDLE_SECONDS if item is None else since + item_seconds


class Workers:
    """Workers for one pass over chunks.

    They speak over sockets, not over shared memory, of which containers have little. The end of a process closes its
    socket, whatever ended it; another process takes its place and its chunks.

    Args:
        task: What is done to a chunk.
        attempts: Notes of the items in hand.
        item_seconds: After which a worker that still has the same item in hand is ended.
    """

    def __init__(self, task: Task, attempts: Attempts, item_seconds: float) -> None:
        self._task, self._attempts, self._item_seconds = task, attempts, item_seconds
        self._workers: list[_Worker] = []
        self._failures = 0

    def run(self, chunks: Sequence[range], number: int) -> Iterator[Any]:
        """Results of chunks, in their order.

        Args:
            chunks: The items of each.
            number: Of processes.

        Raises:
            EncoderError: If processes end, or hang, with nothing in hand.
            Exception: What the task raised.
        """
        waiting = deque(enumerate(chunks))
        ready: dict[int, Any] = {}
        try:
            for _ in range(number):
                self._start(self._attempts.another())
            for place in range(len(chunks)):
                while waiting and waiting[0][0] < place + _AHEAD * number:
                    idlest = min(self._workers, key=lambda worker: len(worker.chunks))
                    self._give(idlest, *waiting.popleft())
                while place not in ready:
                    self._receive(ready)
                result = ready.pop(place)
                if isinstance(result, _Failure):
                    raise result.error from RuntimeError(f"\n{result.told}")
                yield result
        finally:
            for worker in self._workers:
                self._end(worker)

    def _start(self, attempts: Attempts) -> _Worker:
        context: Any = multiprocessing.get_context(_METHOD)
        ours, theirs = context.Pipe()
        # With a copy of another's end in a child, that one would outlive us.
        inherited = [ours, *(one.connection for one in self._workers)] if _METHOD == "fork" else []
        process = context.Process(target=_serve, args=(self._task, theirs, attempts, inherited), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours, attempts)
        self._workers.append(worker)
        return worker

    def _give(self, worker: _Worker, place: int, chunk: range) -> None:
        worker.chunks[place] = chunk
        if len(worker.chunks) == 1:
            worker.heard = time.monotonic()
        with contextlib.suppress(OSError):  # its end is noticed where it is waited for
            worker.connection.send((place, chunk))

    def _receive(self, ready: dict[int, Any]) -> None:
        """Wait for results, the end of a worker, or one that hangs."""
        by_connection = {worker.connection: worker for worker in self._workers}
        deadline = min(worker.deadline(self._item_seconds) for worker in self._workers)
        # What is taken in hand from now on has all of its time before it.
        seconds = min(max(0.0, deadline - time.monotonic()), self._item_seconds, _IDLE_SECONDS)
        for connection in wait(list(by_connection), timeout=seconds):
            worker = by_connection[connection]  # type: ignore[index]
            try:
                place, result = _load(worker.connection)
            except (EOFError, OSError):
                self._replace(worker)
                continue
            del worker.chunks[place]
            worker.heard = time.monotonic()
            ready[place] = result
            self._failures = 0
        for worker in list(self._workers):
            if worker.deadline(self._item_seconds) < time.monotonic() and not worker.connection.poll():
                self._replace(worker, hung=True)

    def _replace(self, worker: _Worker, *, hung: bool = False) -> None:
        self._workers.remove(worker)
        item, _ = worker.attempts.in_hand()
        code = self._end(worker, kill=hung)
        if item is None:
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                how = "hang" if hung else f"end ({_signal_name(code)})"
                raise EncoderError(f"processes that read items {how} before they begin; try without any ('workers' 0)")
        elif hung:
            worker.attempts.blame(item, f"took longer than {self._item_seconds:g} s", for_good=True)
        else:
            worker.attempts.blame(item, f"ended the process that read it, each time ({_signal_name(code)})")
        other = self._start(worker.attempts.another())
        for place, chunk in worker.chunks.items():
            self._give(other, place, chunk)

    @staticmethod
    def _end(worker: _Worker, *, kill: bool = True) -> int | None:
        worker.connection.close()
        if kill:
            worker.process.kill()
        worker.process.join()
        worker.attempts.close()
        return worker.process.exitcode


def _signal_name(code: int | None) -> str:
    if code is None or code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}, as where memory runs out" if name == "SIGKILL" else name


def _serve(task: Task, connection: Connection, attempts: Attempts, inherited: Sequence[Connection]) -> None:
    """What a worker does until its parent is gone."""
    for other in inherited:
        other.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    torch.set_num_threads(1)
    results: queue.SimpleQueue[list[Any]] = queue.SimpleQueue()
    threading.Thread(target=_send, args=(connection, results), daemon=True).start()
    with contextlib.suppress(EOFError, OSError):
        while True:
            place, chunk = connection.recv()
            try:
                made = task(chunk, attempts)
            except Exception as error:
                made = _Failure(_sendable(error), traceback.format_exc())
            results.put(_parts((place, made)))
    attempts.close()


def _send(connection: Connection, results: "queue.SimpleQueue[list[Any]]") -> None:
    with contextlib.suppress(OSError):  # the parent is gone
        while True:
            for part in results.get():
                connection.send_bytes(part)


@dataclass
class _Failure:
    error: Exception
    told: str


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


class _Pickler(pickle.Pickler):
    """Leaves the numbers of tensors where they are; torch would move them into shared memory."""

    def reducer_override(self, value: object) -> Any:
        return (torch.from_numpy, (value.numpy(),)) if isinstance(value, Tensor) else NotImplemented


def _parts(result: tuple[int, Any]) -> list[Any]:
    """A result as messages: the number and sizes of its arrays with all else, then the arrays."""
    buffers: list[pickle.PickleBuffer] = []
    content = BytesIO()
    _Pickler(content, protocol=5, buffer_callback=buffers.append).dump(result)
    arrays = [buffer.raw() for buffer in buffers]
    return [pickle.dumps(([array.nbytes for array in arrays], content.getvalue())), *arrays]


def _load(connection: Connection) -> tuple[int, Any]:
    sizes, content = pickle.loads(connection.recv_bytes())
    arrays = [bytearray(size) for size in sizes]
    for array in arrays:
        connection.recv_bytes_into(array)
    place, result = pickle.loads(content, buffers=arrays)
    return place, result
