from pathlib import Path

import numpy as np
import pytest
from small_encoders import draw

from encoders.store import Catalog, blocks


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ITEMS", 8)


@pytest.fixture
def texts() -> list[str | None]:
    words = ["sea", "forest", "rain", "violin", "drum", "night", "sun", "stone", "wind", "fire"]
    random = np.random.default_rng(0)
    return [
        None if place % 7 == 3 else " ".join(random.choice(words, size=1 + place % 5)) + f" n{place}"
        for place in range(37)
    ]


@pytest.fixture
def pictures(tmp_path: Path) -> Catalog:
    names: list[str | None] = []
    for place in range(20):
        names.append(f"p{place}.png")
        draw(tmp_path / f"p{place}.png", place)
    names[4] = None
    return Catalog(tmp_path, list(range(20)), {"image": names}, {"image": "column"})
