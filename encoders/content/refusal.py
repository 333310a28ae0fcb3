"""How content is refused."""

from encoders.errors import ContentError

__all__ = ["refusal"]


def refusal(name: str, reason: object) -> ContentError:
    """The error that content cannot be used: one line, whatever letters the name and the reason have.

    Args:
        name: The source: a file's name, or what it should be.
        reason: Why; an exception's text may be given, or the exception if it has none.
    """
    said = " ".join(str(reason).split()) or type(reason).__name__
    return ContentError(f"{_printable(name)}: {_printable(said)}")


def _printable(text: str) -> str:
    """Escapes what would break the line or cannot be written: control characters and lone surrogates."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
