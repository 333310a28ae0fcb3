"""Settings of evaluation."""

from dataclasses import dataclass
from typing import Literal, get_args

from gnnrec.errors import ArgumentError

__all__ = ["EvalOptions", "UsersWithoutPositives"]

UsersWithoutPositives = Literal["skip", "zero"]


@dataclass(frozen=True)
class EvalOptions:
    """How to rank and what to report.

    Args:
        ks: List lengths.
        mask_valid: Also leave validation items out of test lists; off in the published protocol.
        users_without_positives: ``"skip"`` leaves users without a held-out item out of every mean; ``"zero"`` counts
            those who have training interactions with 0.
        beyond_accuracy: Also report coverage, Gini, novelty, diversity and popularity bias.
    """

    ks: tuple[int, ...] = (10, 20, 50)
    mask_valid: bool = False
    users_without_positives: UsersWithoutPositives = "skip"
    beyond_accuracy: bool = True

    def __post_init__(self) -> None:
        if not self.ks or any(k < 1 for k in self.ks):
            raise ArgumentError(f"'ks' must hold positive integers (got {self.ks})")
        if self.users_without_positives not in get_args(UsersWithoutPositives):
            raise ArgumentError(
                f"'users_without_positives' must be one of {', '.join(get_args(UsersWithoutPositives))} "
                f"(got {self.users_without_positives!r})"
            )
