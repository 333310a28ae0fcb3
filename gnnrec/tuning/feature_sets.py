"""Sets of item features that a search chooses among."""

from collections.abc import Sequence
from itertools import combinations

from gnnrec.data.feature_names import expand_feature_names
from gnnrec.errors import ArgumentError

__all__ = ["ALL", "JOIN", "MAX_COMBINED", "parse_feature_sets"]

ALL = "all"
JOIN = "+"
MAX_COMBINED = 5
"""Features of which every combination may be searched: 31."""


def parse_feature_sets(texts: Sequence[str], available: Sequence[str]) -> list[tuple[str, ...]]:
    """The sets that are meant.

    Args:
        texts: Names joined by ``+``, each a set; an encoder's name stands for all of its modalities. ``"all"``
            stands for every combination of the features there are. Empty: one set, of all features.
        available: Names of the features there are.

    Returns:
        Names of each set in the order of ``available``; each set once.

    Raises:
        UnknownNameError: If there is no such feature.
        ArgumentError: If there are too many features for all combinations.

    Example:
        >>> parse_feature_sets(["whisper", "whisper+image"], ["image", "whisper"])
        [('whisper',), ('image', 'whisper')]
    """
    if not texts:
        return [tuple(available)] if available else []
    sets: list[tuple[str, ...]] = []
    for text in texts:
        if text == ALL:
            sets += _combinations(available)
        else:
            names = expand_feature_names([name.strip() for name in text.split(JOIN)], available)
            sets.append(tuple(name for name in available if name in names))
    return list(dict.fromkeys(sets))


def _combinations(available: Sequence[str]) -> list[tuple[str, ...]]:
    if len(available) > MAX_COMBINED:
        raise ArgumentError(
            f"'{ALL}' would be {2 ** len(available) - 1} combinations of {len(available)} features "
            f"({', '.join(available)}); name the sets to search, such as {available[0]}{JOIN}{available[1]}"
        )
    # The largest first: it is the one that a model takes by default, and planned trials take it.
    sizes = range(len(available), 0, -1)
    return [chosen for size in sizes for chosen in combinations(available, size)]
