"""Where content comes from: a file, or bytes in memory."""

from pathlib import Path

from encoders.content.kinds import Kind, recognise
from encoders.content.locate import read_content_bytes
from encoders.content.refusal import refusal

__all__ = ["MAX_BYTES", "require_kind", "source_bytes", "source_name"]

MAX_BYTES = 2**32
"""Larger files of pictures and sounds are not read into memory."""


def source_name(source: str | Path | bytes, name: str | None, noun: str) -> str:
    """What to call the source in a reason: the given name, else the file's path, else the noun."""
    if name is not None:
        return name
    return noun if isinstance(source, bytes) else str(source)


def source_bytes(source: str | Path | bytes, name: str, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The source's bytes, at least one.

    Raises:
        ContentError: If there is none, or the file cannot be read.
    """
    if not isinstance(source, bytes):
        return read_content_bytes(Path(source), max_bytes=max_bytes, name=name)
    if not source:
        raise refusal(name, "is empty")
    if len(source) > max_bytes:
        raise refusal(name, f"has {len(source)} bytes, more than the limit of {max_bytes}")
    return source


def require_kind(head: bytes, modalities: tuple[str, ...], noun: str, name: str) -> Kind:
    """The kind that the bytes start like, which must be of one of the modalities.

    Raises:
        ContentError: If it is not; the reason says what the content is.
    """
    kind = recognise(head)
    if kind.modality not in modalities:
        raise refusal(name, f"is not a {noun} that can be read but {kind.noun}")
    return kind
