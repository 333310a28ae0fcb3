"""What every encoder is: a module with a modality, a width, and the way from raw content to its input."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from encoders.content import AudioReading
from encoders.errors import ArgumentError

__all__ = ["MODALITIES", "Encoder", "Prepared", "Preprocess"]

MODALITIES = ("image", "text", "audio", "video")


class Prepared(NamedTuple):
    """One item's content as an encoder's input.

    Args:
        samples: One row for each picture, window of sound, piece of text or clip; the item's vector is the mean of
            theirs. Shape: (samples, ...), at least one row.
        truncated: Whether some of the content was left out because it is longer than the encoder takes.
    """

    samples: Tensor
    truncated: bool = False


class Preprocess(ABC):
    """Turns one item's decoded content into an encoder's input.

    It is a frozen dataclass of plain values, so that it can be sent to worker processes without the encoder's weights,
    and so that its text tells exactly what was done.
    """

    @abstractmethod
    def read(self, data: bytes, name: str) -> Any:
        """Decode the bytes of a file.

        Args:
            data: All of them.
            name: The file's, for the error.

        Raises:
            ContentError: If they cannot be decoded.
        """

    @abstractmethod
    def __call__(self, content: Any) -> Prepared:
        """Prepare one item.

        Args:
            content: A picture, :class:`~encoders.content.Sound`, text or :class:`~encoders.content.Film`.

        Raises:
            ContentError: If there is nothing in it to encode.
        """

    def describe(self) -> str:
        """All settings in one line; features made with another line are stale."""
        reading = getattr(self, "reading", AudioReading())
        # Features of versions that had no choice of reading are not stale.
        return repr(self) if reading == AudioReading() else f"{self!r} {reading!r}"


class Encoder(nn.Module, ABC):
    """Content of one modality in, a vector an item out.

    Args:
        name: Under which features are stored.
        modality: ``"image"``, ``"text"``, ``"audio"`` or ``"video"``.
        dim: Length of the vectors.
        preprocess: From decoded content to the input of :meth:`forward`.
    """

    def __init__(self, *, name: str, modality: str, dim: int, preprocess: Preprocess) -> None:
        super().__init__()
        if modality not in MODALITIES:
            raise ArgumentError(f"'modality' must be one of {', '.join(MODALITIES)} (got {modality!r})")
        self.name = name
        self.modality = modality
        self.dim = dim
        self.preprocess = preprocess

    @abstractmethod
    def forward(self, batch: Tensor) -> Tensor:
        """Encode prepared samples.

        Args:
            batch: Rows of :attr:`Prepared.samples`, of any items. Shape: (batch, ...).

        Returns:
            Vectors. Shape: (batch, dim), floating.
        """

    @torch.no_grad()
    def encode(self, contents: Sequence[Any], *, batch_size: int = 64) -> Tensor:
        """Encode decoded contents, in evaluation mode: prepare, encode, average over each item's samples.

        Args:
            contents: One decoded content an item.
            batch_size: Samples a forward pass at most.

        Returns:
            Vectors on the encoder's device. Shape: (len(contents), dim), float32.

        Raises:
            ArgumentError: If ``batch_size`` is not positive or ``contents`` is no list.
            ContentError: If a content has nothing to encode.
        """
        if batch_size < 1:
            raise ArgumentError(f"'batch_size' must be a positive integer (got {batch_size})")
        if isinstance(contents, (str, bytes)) or not isinstance(contents, Sequence):
            raise ArgumentError(f"'contents' must be a list of contents, one an item (got {type(contents).__name__})")
        prepared = [self.preprocess(content).samples for content in contents]
        if not prepared:
            return torch.zeros(0, self.dim, device=self.device)
        counts = torch.tensor([len(samples) for samples in prepared], device=self.device)
        training = self.training
        self.eval()
        try:
            rows = [self(batch.to(self.device)).float() for batch in torch.split(torch.cat(prepared), batch_size)]
        finally:
            self.train(training)
        return average_samples(torch.cat(rows), counts)

    @property
    def feature_name(self) -> str:
        """What the features are called: the name, and the modality where an encoder has several."""
        return self.name

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU for encoders without any."""
        return next((tensor.device for tensor in (*self.parameters(), *self.buffers())), torch.device("cpu"))

    def weights_hash(self) -> str:
        """Hash of the names, shapes and values of the weights in use; ``"none"`` for encoders without any."""
        state = self.weights_in_use()
        if not state:
            return "none"
        digest = hashlib.blake2b(digest_size=16)
        for name, tensor in sorted(state.items()):
            array = tensor.detach().to("cpu").contiguous()
            digest.update(f"{name} {array.dtype} {tuple(array.shape)}\n".encode())
            digest.update(array.reshape(-1).view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def weights_in_use(self) -> dict[str, Tensor]:
        """The weights that the vectors depend on; those of another modality's tower are not among them."""
        return dict(self.state_dict())

    def extra_repr(self) -> str:
        """Name, modality and width."""
        return f"{self.name}, modality={self.modality}, dim={self.dim}"


def average_samples(rows: Tensor, counts: Tensor) -> Tensor:
    """Mean of each item's rows.

    Args:
        rows: Vectors of all samples, item after item. Shape: (samples, dim).
        counts: Samples an item, each at least one. Shape: (items,), int64.

    Returns:
        Shape: (items, dim).
    """
    item = torch.repeat_interleave(torch.arange(len(counts), device=rows.device), counts)
    sums = rows.new_zeros(len(counts), rows.shape[1]).index_add_(0, item, rows)
    return sums / counts[:, None].to(rows.dtype)
