"""What serving gives back."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Recommendations", "RecommendedItem", "SimilarItems"]


@dataclass(frozen=True)
class RecommendedItem:
    """One item of a list.

    Args:
        item_id: External id.
        score: The model's score; comparable within one list only.
        title: Title, where the catalog has one.
    """

    item_id: int | str
    score: float
    title: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Id and score, and the title where there is one."""
        content: dict[str, Any] = {"item_id": self.item_id, "score": self.score}
        return content if self.title is None else {**content, "title": self.title}


@dataclass(frozen=True)
class Recommendations:
    """A user's list.

    Args:
        user_id: External id as asked for.
        items: Best first; shorter than k where fewer items are left.
        source: Where the scores come from: ``"model"``, ``"history"`` (fold-in) or ``"popular"``.
    """

    user_id: int | str
    items: list[RecommendedItem]
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain containers for JSON."""
        return {
            "user_id": self.user_id,
            "items": [item.to_dict() for item in self.items],
            "source": self.source,
        }


@dataclass(frozen=True)
class SimilarItems:
    """The items most like one.

    Args:
        item_id: External id as asked for.
        items: Most similar first.
    """

    item_id: int | str
    items: list[RecommendedItem]

    def to_dict(self) -> dict[str, Any]:
        """Plain containers for JSON."""
        return {"item_id": self.item_id, "items": [item.to_dict() for item in self.items]}
