"""The eight worlds of the demo catalog and what its items and users are like underneath."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["TASTES", "Expression", "ItemTastes", "UserTastes", "draw_item_tastes", "draw_user_tastes"]

TASTES = ("tide", "forest", "desert", "neon", "garden", "snow", "ember", "orbit")

_MISLEADING = 0.12
_MOOD_NOISE = 0.25


@dataclass(frozen=True)
class Expression:
    """What one modality of an item shows: near its hidden taste, not the same.

    Args:
        main: Index into ``TASTES`` of what dominates.
        second: Index of what shines through.
        share: Share of ``main``, between 0.5 and 1.
        mood: From -1 (calm) to 1 (lively).
    """

    main: int
    second: int
    share: float
    mood: float


@dataclass(frozen=True, eq=False)
class ItemTastes:
    """Hidden tastes of the items.

    Args:
        main: Index of each item's world. Shape: (num_items,), int64.
        second: Index of another world it leans to. Shape: (num_items,), int64.
        share: Share of the main world. Shape: (num_items,).
        mood: From -1 (calm) to 1 (lively). Shape: (num_items,).
        popularity: How much more often than average an item is taken, as a logarithm. Shape: (num_items,).
        is_new: Items that nobody could take before the test part begins. Shape: (num_items,), bool.
    """

    main: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    share: npt.NDArray[np.float64]
    mood: npt.NDArray[np.float64]
    popularity: npt.NDArray[np.float64]
    is_new: npt.NDArray[np.bool_]

    def worlds(self) -> npt.NDArray[np.float64]:
        """Share of every world in every item. Shape: (num_items, 8)."""
        shares = np.zeros((self.main.size, len(TASTES)))
        shares[np.arange(self.main.size), self.main] = self.share
        shares[np.arange(self.main.size), self.second] = 1 - self.share
        return shares

    def expression(self, item: int, random: np.random.Generator) -> Expression:
        """How a modality shows the item; now and then its second world comes out on top."""
        main, second = int(self.main[item]), int(self.second[item])
        if random.random() < _MISLEADING:
            main, second = second, main
        mood = float(np.clip(self.mood[item] + random.normal(0, _MOOD_NOISE), -1, 1))
        return Expression(main, second, float(self.share[item]), mood)


@dataclass(frozen=True, eq=False)
class UserTastes:
    """Hidden tastes of the users.

    Args:
        worlds: Liking of every world. Shape: (num_users, 8).
        mood: Liked mood. Shape: (num_users,).
        is_short: Users with a short history. Shape: (num_users,), bool.
    """

    worlds: npt.NDArray[np.float64]
    mood: npt.NDArray[np.float64]
    is_short: npt.NDArray[np.bool_]


def draw_item_tastes(num_items: int, new_share: float, random: np.random.Generator) -> ItemTastes:
    """Items spread evenly over the worlds in random order."""
    main = random.permutation(np.arange(num_items) % len(TASTES))
    second = (main + random.integers(1, len(TASTES), num_items)) % len(TASTES)
    is_new = np.zeros(num_items, dtype=bool)
    is_new[random.permutation(num_items)[: round(new_share * num_items)]] = True
    return ItemTastes(
        main=main,
        second=second,
        share=random.uniform(0.65, 0.95, num_items),
        mood=random.uniform(-1, 1, num_items),
        popularity=random.normal(0, 0.7, num_items),
        is_new=is_new,
    )


def draw_user_tastes(num_users: int, short_share: float, random: np.random.Generator) -> UserTastes:
    """Users who like two worlds, the first more, and a little of everything."""
    favourites = np.argsort(random.random((num_users, len(TASTES))), axis=1)[:, :2]
    worlds = random.uniform(0, 0.2, (num_users, len(TASTES)))
    rows = np.arange(num_users)
    worlds[rows, favourites[:, 0]] += 1.0
    worlds[rows, favourites[:, 1]] += random.uniform(0.4, 1.0, num_users)
    is_short = np.zeros(num_users, dtype=bool)
    is_short[random.permutation(num_users)[: round(short_share * num_users)]] = True
    return UserTastes(worlds=worlds, mood=random.uniform(-1, 1, num_users), is_short=is_short)
