"""The errors that encoders raise on purpose, each also the built-in that it resembles."""

__all__ = ["ContentError", "EncoderError", "MissingPackageError"]


class EncoderError(Exception):
    """Base of every error that encoders raise on purpose."""


class ContentError(EncoderError, ValueError):
    """A file or value cannot be used as a picture, a sound or a text."""


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
