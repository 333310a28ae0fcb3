"""Which words a text has."""

import re
import unicodedata
from collections import Counter
from hashlib import blake2b
from itertools import pairwise

import torch
from torch import Tensor

__all__ = ["HASHED_WORDS_DIM", "hashed_words"]

HASHED_WORDS_DIM = 512
"""Length of the vector."""

_WORD = re.compile(r"\w+")


def hashed_words(text: str) -> Tensor:
    """Words and pairs of neighbouring words, each added or subtracted at a place that its hash gives.

    Feature hashing with signs, from `Feature Hashing for Large Scale Multitask Learning
    <https://arxiv.org/abs/0902.2206>`_ (Weinberger et al., 2009), definition 1. A term that occurs n times
    counts the square root of n. Upper and lower case, and ways to write the same letter, are one.

    Args:
        text: Any text.

    Returns:
        A vector of length 1; zeros for a text without words. Shape: (512,), float32.

    Example:
        >>> bool((hashed_words("Calm sea") == hashed_words("calm  SEA!")).all())
        True
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", text).casefold())
    counts = Counter(words) + Counter(f"{first} {second}" for first, second in pairwise(words))
    vector = torch.zeros(HASHED_WORDS_DIM, dtype=torch.float64)
    hashes = [_hash(term) for term in counts]
    places = torch.tensor([value % HASHED_WORDS_DIM for value in hashes], dtype=torch.int64)
    signs = torch.tensor([1.0 if value >> 63 else -1.0 for value in hashes], dtype=torch.float64)
    sizes = torch.tensor(list(counts.values()), dtype=torch.float64).sqrt()
    vector.index_add_(0, places, signs * sizes)
    return torch.nn.functional.normalize(vector, dim=0).to(torch.float32)


def _hash(term: str) -> int:
    """64 bits that are the same in every process, unlike those of the built-in ``hash``."""
    return int.from_bytes(blake2b(term.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
