"""What serving gives back."""

from dataclasses import dataclass
from typing import Any

from gnnrec.serving.explanation import Explanation

__all__ = ["Recommendations", "RecommendedItem", "SimilarItems"]


@dataclass(frozen=True)
class RecommendedItem:
    """One item of a list.

    Args:
        item_id: External id.
        score: The model's score; comparable within one list only.
        title: Title, where the catalog has one.
        explanation: Why it was recommended, where that was asked for.
    """

    item_id: int | str
    score: float
    title: str | None = None
    explanation: Explanation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Id and score, and the title and the explanation where there are any."""
        content: dict[str, Any] = {"item_id": self.item_id, "score": self.score}
        if self.title is not None:
            content["title"] = self.title
        if self.explanation is not None:
            content["explanation"] = self.explanation.to_dict()
        return content


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
