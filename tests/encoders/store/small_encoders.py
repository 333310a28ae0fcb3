"""Encoders and catalogs of a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from encoders.base import Encoder, Prepared, Preprocess
from encoders.content import clean_text, read_image, read_text
from encoders.store import Catalog


@dataclass(frozen=True)
class LetterPreprocess(Preprocess):
    """Counts of letters, a sample a word."""

    def read(self, data: bytes, name: str) -> str:
        return read_text(data, name=name)

    def __call__(self, content: str) -> Prepared:
        words = clean_text(content).split()
        counts = torch.zeros(len(words), 26)
        for place, word in enumerate(words):
            for letter in word:
                counts[place, (ord(letter) - 97) % 26] += 1
        return Prepared(counts, truncated=len(words) > 3)


class LetterEncoder(Encoder):
    """A linear map of counted letters, which notes how many samples it saw."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(name="letters", modality="text", dim=5, preprocess=LetterPreprocess())
        self.map = nn.Linear(26, 5)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.map.reset_parameters()
        self.seen = 0

    def forward(self, batch: Tensor) -> Tensor:
        self.seen += len(batch)
        vectors: Tensor = self.map(batch)
        return vectors


@dataclass(frozen=True)
class PixelPreprocess(Preprocess):
    """A picture as 3 x 4 x 4 numbers."""

    def read(self, data: bytes, name: str) -> Image.Image:
        return read_image(data, name=name)

    def __call__(self, content: Image.Image) -> Prepared:
        pixels = np.asarray(content.resize((4, 4)), dtype=np.float32) / 255
        return Prepared(torch.from_numpy(pixels).flatten()[None])


class PixelEncoder(Encoder):
    """The pixels as they are."""

    def __init__(self) -> None:
        super().__init__(name="pixels", modality="image", dim=48, preprocess=PixelPreprocess())
        self.seen = 0

    def forward(self, batch: Tensor) -> Tensor:
        self.seen += len(batch)
        return batch


def text_catalog(texts: Sequence[str | None], root: Path) -> Catalog:
    return Catalog(root, [f"i{place}" for place in range(len(texts))], {"text": texts}, {"text": "column"})


def draw(path: Path, place: int) -> None:
    random = np.random.default_rng(place)
    Image.fromarray(random.integers(0, 256, (6, 5, 3), dtype=np.uint8)).save(path)
