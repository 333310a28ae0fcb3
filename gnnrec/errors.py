"""The errors that gnnrec raises on purpose: one tree, each class also the built-in that it resembles."""

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "ArgumentError",
    "DataError",
    "GnnrecError",
    "MissingExtraError",
    "RunError",
    "StorageError",
    "TrainingError",
    "UnknownIdError",
    "UnknownNameError",
    "shorten",
]


_LONGEST = 2_000
"""Letters of a problem."""


class GnnrecError(Exception):
    """Base of every error that gnnrec raises on purpose; the command line prints it as one line."""


class ArgumentError(GnnrecError, ValueError):
    """An argument has a value that cannot work."""


class DataError(GnnrecError, ValueError):
    """Input data are wrong.

    Args:
        problems: What is wrong, each naming its file, row and column; all are reported together.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = list(map(shorten, [problems] if isinstance(problems, str) else problems))
        if len(self.problems) == 1:
            message = self.problems[0]
        else:
            message = "\n".join([f"{len(self.problems)} problems:", *(f"  - {line}" for line in self.problems)])
        super().__init__(message)


def shorten(text: str) -> str:
    """A problem or note without the middle of an id or a header of megabytes."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} [...] {text[-_LONGEST // 2 :]}"


class RunError(GnnrecError, RuntimeError):
    """A run folder cannot be used as asked."""


class StorageError(GnnrecError, OSError):
    """What keeps a study cannot be read or written now; the study goes on when it can."""


class TrainingError(GnnrecError, ArithmeticError):
    """Training cannot go on, for instance because a loss is not finite."""


class MissingExtraError(GnnrecError, ImportError):
    """An optional dependency is needed and absent.

    Args:
        package: The package that could not be imported.
        extra: The extra of gnnrec that installs it.
        purpose: What needs it.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs '{package}'; install it with: pip install 'gnnrec[{extra}]'")


class UnknownNameError(GnnrecError, LookupError):
    """A name is not among those that exist; the message lists near matches and what there is."""

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        super().__init__(f"unknown {kind} '{name}';{_near(name, names)} Available: {', '.join(names) or 'none'}")


class UnknownIdError(UnknownNameError):
    """An external id is not in the data; the message lists near matches and a few of the many there are."""

    def __init__(self, kind: str, name: str, ids: Sequence[str]) -> None:
        near = _near(name, ids[:100_000])
        LookupError.__init__(
            self, f"unknown {kind} id '{name}';{near} Available: {len(ids):,} ids, such as {', '.join(ids[:3])}"
        )


def _near(name: str, names: Sequence[str]) -> str:
    lowered = {candidate.lower(): candidate for candidate in names}
    near = difflib.get_close_matches(name.lower(), lowered, n=2, cutoff=0.6)
    return f" did you mean {' or '.join(repr(lowered[match]) for match in near)}?" if near else ""
