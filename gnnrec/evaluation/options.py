"""Settings of evaluation."""

import operator
from dataclasses import dataclass
from typing import Literal, get_args

from gnnrec.errors import ArgumentError

__all__ = ["Candidates", "EvalOptions", "UsersWithoutPositives"]

Candidates = Literal["all", "new"]
UsersWithoutPositives = Literal["skip", "zero"]


@dataclass(frozen=True)
class EvalOptions:
    """How to rank and what to report.

    Args:
        ks: List lengths, integers of any kind.
        mask_valid: Also leave validation items out of test lists; off in the published protocol.
        users_without_positives: ``"skip"`` leaves users without a held-out item out of every mean; ``"zero"`` counts
            those who have training interactions with 0.
        candidates: ``"all"`` ranks all items that a user has not taken; ``"new"`` only those that nobody took in
            training, among users who did take something: how well content alone finds them.
        beyond_accuracy: Also report coverage, Gini, novelty, diversity and popularity bias.
    """

    ks: tuple[int, ...] = (10, 20, 50)
    mask_valid: bool = False
    users_without_positives: UsersWithoutPositives = "skip"
    candidates: Candidates = "all"
    beyond_accuracy: bool = True

    def __post_init__(self) -> None:
        try:
            ks = tuple(0 if isinstance(k, bool) else operator.index(k) for k in self.ks)
        except TypeError:
            ks = ()
        if not ks or min(ks) < 1 or max(ks) >= 2**31:
            raise ArgumentError(f"'ks' must hold positive integers below 2**31 (got {self.ks!r})")
        object.__setattr__(self, "ks", ks)
        if self.candidates not in get_args(Candidates):
            raise ArgumentError(f"'candidates' must be all or new (got {self.candidates!r})")
        if self.users_without_positives not in get_args(UsersWithoutPositives):
            raise ArgumentError(
                f"'users_without_positives' must be one of {', '.join(get_args(UsersWithoutPositives))} "
                f"(got {self.users_without_positives!r})"
            )
