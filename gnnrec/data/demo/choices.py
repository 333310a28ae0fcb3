"""Who takes what, and when."""

import numpy as np
import numpy.typing as npt

from gnnrec.data.demo.tastes import ItemTastes, UserTastes

__all__ = ["draw_choices"]

# Against noise of standard deviation 1.3: tastes decide most choices, not all.
_WORLD_STRENGTH = 5.0
_MOOD_STRENGTH = 1.5

_TAKEN, _FEW_TAKEN = (15, 25), (3, 5)
_START = 1_700_000_000
_DAY = 86_400
_TEST_DAY, _LAST_DAY = 150, 180
_PARTS = np.array(["train", "valid", "test"])

Columns = dict[str, npt.NDArray[np.generic]]


def draw_choices(users: UserTastes, items: ItemTastes, random: np.random.Generator) -> Columns:
    """Everyone takes 15 to 25 items (3 to 5 with a short history) and some of the new ones.

    Items are drawn without replacement with chances that grow exponentially with liking plus popularity. Of
    the items that are not new, the last fifth a user takes is for test and a tenth before that for
    validation. New items come out when the test part begins, so they are in no other part.

    Returns:
        Columns ``user`` and ``item`` (positions), ``timestamp`` (seconds since the epoch) and ``split``, in
        time order.
    """
    liking = _WORLD_STRENGTH * users.worlds @ items.worlds().T
    liking -= _MOOD_STRENGTH * np.abs(users.mood[:, None] - items.mood)
    # The largest of logits plus Gumbel noise are a draw without replacement.
    order_key = liking + items.popularity + random.gumbel(size=liking.shape)
    few, many = (random.integers(low, high + 1, users.mood.size) for low, high in (_FEW_TAKEN, _TAKEN))
    num_taken = np.where(users.is_short, few, many)
    num_new = random.binomial(num_taken, items.is_new.mean())
    user, item, part, day = [], [], [], []
    for position in range(users.mood.size):
        chosen = random.permutation(_largest(order_key[position], ~items.is_new, num_taken[position]))
        num_test, num_valid = max(1, round(0.2 * chosen.size)), round(0.1 * chosen.size)
        new = _largest(order_key[position], items.is_new, num_new[position])
        before = np.sort(random.uniform(0, _TEST_DAY, chosen.size - num_test))
        after = random.uniform(_TEST_DAY, _LAST_DAY, num_test + new.size)
        user.append(np.full(chosen.size + new.size, position))
        item.append(np.concatenate([chosen, new]))
        part.append(np.repeat([0, 1, 2], [before.size - num_valid, num_valid, after.size]))
        day.append(np.concatenate([before, after]))
    timestamp = _START + (np.concatenate(day) * _DAY).astype(np.int64)
    order = np.argsort(timestamp, kind="stable")
    return {
        "user": np.concatenate(user)[order],
        "item": np.concatenate(item)[order],
        "timestamp": timestamp[order],
        "split": _PARTS[np.concatenate(part)][order],
    }


def _largest(values: npt.NDArray[np.float64], allowed: npt.NDArray[np.bool_], count: int) -> npt.NDArray[np.int64]:
    """Positions of the ``count`` largest allowed values."""
    candidates = np.flatnonzero(allowed)
    return candidates[np.argsort(-values[candidates], kind="stable")[:count]]
