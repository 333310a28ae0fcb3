"""Why an item was recommended."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Explanation", "HistoryItem"]


@dataclass(frozen=True)
class HistoryItem:
    """Something the user took that speaks for a recommended item.

    Args:
        item_id: External id.
        similarity: How strongly it speaks for the recommended item, above 0: the cosine of the two item vectors, or
            the model's own item similarity.
        title: Title, where the catalog has one.
    """

    item_id: int | str
    similarity: float
    title: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Id and similarity, and the title where there is one."""
        content: dict[str, Any] = {"item_id": self.item_id, "similarity": self.similarity}
        return content if self.title is None else {**content, "title": self.title}


@dataclass(frozen=True)
class Explanation:
    """Why one item is in a user's list.

    Args:
        history: What the user took that is most like the item, the most similar first. Items that the model does not
            take for similar (0 or less) are left out.
        contributions: The terms of the score, which add up to it: by modality, and ``"interactions"`` for what was
            learned from the log alone. A negative term speaks against the item.
        modality_shares: Each term's share of the sum of their absolute values.
        note: Why there is no history or no share, in words.
    """

    history: list[HistoryItem] = field(default_factory=list)
    contributions: dict[str, float] | None = None
    modality_shares: dict[str, float] | None = None
    note: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain containers for JSON."""
        return {
            "history": [item.to_dict() for item in self.history],
            "contributions": self.contributions,
            "modality_shares": self.modality_shares,
            "note": self.note,
        }
