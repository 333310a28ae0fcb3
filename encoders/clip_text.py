"""Texts as CLIP's tokens."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from encoders.base import Prepared, Preprocess
from encoders.content import clean_text, read_text
from encoders.errors import ArgumentError, MissingPackageError

__all__ = ["LONG_TEXT", "ClipTextPreprocess", "tokenize"]

LONG_TEXT = ("truncate", "chunk-mean", "error")
"""What to do with a text that has more tokens than the model takes."""


@dataclass(frozen=True)
class ClipTextPreprocess(Preprocess):
    """Cleaned text to CLIP's tokens.

    Args:
        context_length: Tokens that the model takes, the two at the ends included.
        long_text: ``"truncate"`` keeps the beginning, ``"chunk-mean"`` halves a text between words until every piece
            fits and averages their vectors, ``"error"`` refuses.
        tokenizer: Name of an open_clip model whose tokenizer to use [default: CLIP's own].
    """

    context_length: int = 77
    long_text: str = "truncate"
    tokenizer: str | None = None

    def __post_init__(self) -> None:
        if self.long_text not in LONG_TEXT:
            raise ArgumentError(f"'long_text' must be one of {', '.join(LONG_TEXT)} (got {self.long_text!r})")

    def read(self, data: bytes, name: str) -> str:
        """Decode a text."""
        return read_text(data, name=name)

    def __call__(self, content: str) -> Prepared:
        """Tokens of one text. Shape of the samples: (pieces, context_length), int64."""
        text = clean_text(content)
        if self.long_text == "chunk-mean":
            pieces = self._pieces(text.split(" "))
            return Prepared(tokenize(pieces, self.context_length, self.tokenizer)[0])
        tokens, truncated = tokenize([text], self.context_length, self.tokenizer)
        if truncated[0] and self.long_text == "error":
            raise ArgumentError(
                f"a text has more tokens than the {self.context_length} that the model takes: '{text[:40]}...'"
            )
        return Prepared(tokens, truncated[0])

    def _pieces(self, words: list[str]) -> list[str]:
        text = " ".join(words)
        if len(words) == 1 or not tokenize([text], self.context_length, self.tokenizer)[1][0]:
            return [text]
        middle = len(words) // 2
        return self._pieces(words[:middle]) + self._pieces(words[middle:])


def tokenize(texts: list[str], context_length: int, tokenizer: str | None = None) -> tuple[Tensor, list[bool]]:
    """Tokens of texts, and which of them are longer than the context.

    Args:
        texts: Any texts; CLIP's tokenizer lowers the case.
        context_length: Tokens a text at most; of longer ones the beginning is kept, and an end token.
        tokenizer: Name of an open_clip model [default: CLIP's own].

    Returns:
        Tokens of shape (len(texts), context_length), int64, and one truth value a text.

    Raises:
        MissingPackageError: If open_clip is not installed.
    """
    if not texts:
        return torch.zeros(0, context_length, dtype=torch.int64), []
    function = _tokenizer(tokenizer)
    tokens: Tensor = function(texts, context_length=context_length)
    # With room for one more token a text that fits gains padding, and one that does not gains a token.
    longer: Tensor = function(texts, context_length=context_length + 1)
    return tokens, (longer[:, :-1] != tokens).any(dim=1).tolist()


@lru_cache(maxsize=4)
def _tokenizer(name: str | None) -> Any:
    try:
        import open_clip
    except ImportError:
        raise MissingPackageError("open_clip_torch", "encoders", "CLIP's tokenizer") from None
    return open_clip.SimpleTokenizer() if name is None else open_clip.get_tokenizer(name)
