"""Ctrl-C as a wish of the user, whatever it hits."""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupts"]


class Interrupts:
    """Remembers SIGINT and SIGTERM, each of which raises KeyboardInterrupt, until the block ends.

    A library that is just being imported may swallow the exception or raise another in its place, and fail from then
    on. So whatever is raised after an interrupt leaves the block as KeyboardInterrupt. Outside the main thread, where
    Python has no signals, nothing is remembered.
    """

    def __init__(self) -> None:
        self.seen = False
        self._former: dict[signal.Signals, Callable[..., Any] | int | None] = {}

    def __enter__(self) -> "Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) != signal.SIG_IGN:  # as nohup and shells do for what runs behind
                    self._former[number] = signal.signal(number, self._remember)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, signal.SIG_DFL if former is None else former)
        if not isinstance(error, KeyboardInterrupt):
            self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was one."""
        if self.seen:
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.seen = True
        raise KeyboardInterrupt
