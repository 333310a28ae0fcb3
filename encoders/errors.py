"""The errors that encoders raise on purpose, each also the built-in that it resembles."""

import difflib
from collections.abc import Iterable, Sequence

__all__ = [
    "ArgumentError",
    "ContentError",
    "DatasetError",
    "EncoderError",
    "MissingPackageError",
    "RandomWeightsWarning",
    "TrainingError",
    "UnknownEncoderError",
    "WeightsError",
]


class EncoderError(Exception):
    """Base of every error that encoders raise on purpose."""


class ArgumentError(EncoderError, ValueError):
    """An argument has a value that cannot work."""


class ContentError(EncoderError, ValueError):
    """A file or value cannot be used as a picture, a sound, a text or a film."""


class DatasetError(EncoderError, ValueError):
    """The files of a data set are wrong.

    Args:
        problems: What is wrong, each naming its file and, in a table, row and column; all are reported together.
    """

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        if len(self.problems) == 1:
            message = self.problems[0]
        else:
            message = "\n".join([f"{len(self.problems)} problems:", *(f"  - {line}" for line in self.problems)])
        super().__init__(message)


class WeightsError(EncoderError, ValueError):
    """A file of weights cannot be read or does not fit the network."""


class TrainingError(EncoderError, RuntimeError):
    """Training cannot go on: a loss is not finite, or a checkpoint is damaged or of another run."""


class UnknownEncoderError(EncoderError, LookupError):
    """No encoder has this name; the message lists near matches and what there is."""

    def __init__(self, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        near = difflib.get_close_matches(name.lower(), names, n=2, cutoff=0.6)
        hint = f" did you mean {' or '.join(map(repr, near))}?" if near else ""
        super().__init__(f"unknown encoder '{name}';{hint} Available: {', '.join(names)}")


class MissingPackageError(EncoderError, ImportError):
    """An optional package is needed and absent.

    Args:
        package: The package that could not be imported.
        extra: The extra of gnnrec that installs it.
        purpose: What needs it.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs '{package}'; install it with: pip install 'gnnrec[{extra}]'")
        self.package = package
        self.extra = extra
        self.purpose = purpose


class RandomWeightsWarning(UserWarning):
    """An encoder has no trained weights: its features are random projections of the content."""
