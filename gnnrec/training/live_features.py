"""Item features that an encoder makes while the recommender learns from them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from encoders import Encoder
from encoders.augmentation.batches import augment_batch
from encoders.base import average_samples
from encoders.store.prepared import PreparedContents
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.training.encoder_blocks import last_parameters
from gnnrec.training.live_item_features import LiveItemFeatures
from gnnrec.training.live_options import LiveOptions

__all__ = ["LiveFeatures"]


class LiveFeatures(nn.Module):
    """Features of all items, those of a step's items encoded with gradient, the others from a memory of encodings.

    Step 5 of the end-to-end algorithm of Yi et al., `Large Multi-modal Encoders for Recommendation
    <https://arxiv.org/abs/2310.20343>`_ (2023): encoder and recommender learn from one loss. The released code takes
    the features without their gradient, so that its encoder learns nothing.

    Unless the options ask for batch statistics, encoders stay in evaluation mode.

    Args:
        encoders: By the name of the features.
        contents: Their prepared contents, of the same items in the same order.
        options: How to train them.

    Raises:
        ArgumentError: If names or numbers of items differ.
    """

    covered: Tensor
    epoch: Tensor

    def __init__(
        self, encoders: Mapping[str, Encoder], contents: Mapping[str, PreparedContents], options: LiveOptions
    ) -> None:
        super().__init__()
        if not encoders or list(encoders) != list(contents):
            raise ArgumentError(
                f"'encoders' and 'contents' must be of the same features, at least one (got {', '.join(encoders)} and "
                f"{', '.join(contents)})"
            )
        sizes = {name: len(content.mask) for name, content in contents.items()}
        if len(set(sizes.values())) > 1:
            raise ArgumentError(f"'contents' must be of the same items (got {sizes})")
        self.names = list(encoders)
        self.encoders = nn.ModuleList(encoders.values())
        self.contents = list(contents.values())
        self.options = options
        learning = [last_parameters(one, options.unfreeze_blocks) for one in encoders.values()]
        # Encoders may share a model, of which each uses a part.
        self.encoders.requires_grad_(False)
        for parameters in learning:
            for parameter in parameters.values():
                parameter.requires_grad_(True)
        for place, (encoder, content) in enumerate(zip(encoders.values(), contents.values(), strict=True)):
            self.register_buffer(f"mask_{place}", content.mask.clone(), persistent=False)
            self.register_buffer(f"memory_{place}", torch.zeros(len(content.mask), encoder.dim))
        covered = torch.stack([content.mask for content in contents.values()]).any(dim=0)
        self.register_buffer("covered", covered, persistent=False)
        self.register_buffer("epoch", torch.zeros((), dtype=torch.int64))
        self._remembered: dict[str, ItemFeatures] | None = None
        self._is_stale = True
        self._is_loaded = False

    @property
    def num_items(self) -> int:
        """Number of items."""
        return len(self.contents[0].mask)

    @property
    def dims(self) -> dict[str, int]:
        """Length of the vectors, by name of the features."""
        return {name: self._memory(place).shape[1] for place, name in enumerate(self.names)}

    @property
    def is_warming_up(self) -> bool:
        """Whether the encoders still stay as they are."""
        return int(self.epoch) <= self.options.warm_up_epochs

    def trained_parameters(self) -> list[nn.Parameter]:
        """Those of the encoders that learn, each once."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def encode(self, name: str, items: Sequence[int]) -> Tensor:
        """Vectors of items that have the content.

        Args:
            name: Of the features.
            items: Positions.

        Returns:
            With gradient to the encoder, if gradients are recorded. Shape: (items, dim), float32, or float64 where
            encoders were made so.
        """
        place = self.names.index(name)
        encoder, memory = self.encoders[place], self._memory(place)
        device = memory.device
        learning = self.training and torch.is_grad_enabled()
        samples, counts = self.contents[place].gather(items)
        encoder.train(self.options.batch_statistics and learning and len(samples) > 1)
        if self.options.augment and learning:
            samples = augment_batch(samples, self.contents[place].modality)
        rows = []
        # Chunks of equal size: the statistics of a small rest would mean little.
        for chunk in torch.tensor_split(samples, math.ceil(len(samples) / self.options.chunk_samples)):
            batch = chunk.to(device, memory.dtype if chunk.is_floating_point() else None)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.options.precision == "bf16"):
                if self.options.checkpoint and torch.is_grad_enabled():
                    encoded = checkpoint(encoder, batch, use_reentrant=False)
                else:
                    encoded = encoder(batch)
            rows.append(encoded.to(memory.dtype))
        return average_samples(torch.cat(rows), counts.to(device))

    @torch.no_grad()
    def refresh(self) -> None:
        """Encode all items anew."""
        for place, name in enumerate(self.names):
            items = self.contents[place].mask.nonzero().flatten().tolist()
            memory = self._memory(place)
            for start in range(0, len(items), self.options.max_items):
                some = items[start : start + self.options.max_items]
                memory[some] = self.encode(name, some)
        self._remember()

    def current(self) -> dict[str, ItemFeatures]:
        """Features of all items, without gradient, encoded anew if it is time; for evaluation and for graphs."""
        loaded, self._is_loaded = self._is_loaded and not self.training, False
        if self._is_stale and (loaded or int(self.epoch) % self.options.refresh_every == 0):
            self.refresh()
        elif self._is_stale:
            self._remember()  # also a restored run between two refreshes: what was remembered is in the memory
        assert self._remembered is not None
        return self._remembered

    def touch(self, items: Tensor) -> dict[str, ItemFeatures]:
        """Features of all items, those of the given ones encoded with gradient, as many as ``max_items`` allows.

        Args:
            items: Positions, each once. Shape: (touched,), int64.
        """
        remembered = self.current() if self._remembered is None else self._remembered
        if self.is_warming_up:
            return remembered
        items = items[self.covered[items]]
        if len(items) > self.options.max_items:
            order = torch.randperm(len(items), device=items.device)[: self.options.max_items]
            items = items[order.sort().values]
        features: dict[str, ItemFeatures] = {}
        for place, name in enumerate(self.names):
            memory, mask = self._memory(place), self._mask(place)
            chosen = items[mask[items]]
            if len(chosen) == 0:
                features[name] = remembered[name]
                continue
            fresh = self.encode(name, chosen.tolist())
            x = memory.index_copy(0, chosen, fresh)
            memory[chosen] = fresh.detach()
            features[name] = LiveItemFeatures(x=x, mask=mask, remembered=remembered[name])
        self._is_stale = True
        return features

    def begin_epoch(self) -> None:
        """Count an epoch."""
        self.epoch += 1

    @contextmanager
    def encoding_for_sure(self) -> Iterator[None]:
        """As after the warm-up, to try something out: memory and epoch are put back afterwards.

        Where nothing has been encoded yet, the items that are not touched are zeros meanwhile.
        """
        kept = {name: buffer.clone() for name, buffer in self.named_buffers(recurse=False)}
        remembered, is_stale, training = self._remembered, self._is_stale, self.training
        if remembered is None:
            self._remember()
        self.epoch.fill_(self.options.warm_up_epochs + 1)
        self.eval()  # nothing may be learned from it, the statistics of batch normalisation neither
        try:
            yield
        finally:
            self.train(training)
            for name, buffer in kept.items():
                self.get_buffer(name).copy_(buffer)
            self._remembered, self._is_stale = remembered, is_stale

    def bytes_per_item(self) -> int:
        """Memory that the gradient of one item's encodings needs, over all features, measured on an item with content.

        With ``checkpoint`` it is that of the chunks' inputs alone.
        """
        total = 0
        parameters = {parameter.data_ptr() for parameter in self.parameters()}

        def count(tensor: Tensor) -> None:
            # What is given back is kept; a tensor given back as it is would keep its own graph alive for ever.
            nonlocal total
            total += 0 if tensor.data_ptr() in parameters else tensor.nbytes

        for place, name in enumerate(self.names):
            item = int(self.contents[place].mask.nonzero()[0])
            with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(count, lambda saved: saved):
                self.encode(name, [item])
        return total

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state_dict, prefix, *rest)
        # What is remembered was made by weights that are gone. Training goes on with the memory that came with the new
        # ones; for evaluation all items are encoded by them.
        self._remembered, self._is_stale, self._is_loaded = None, True, True

    def _remember(self) -> None:
        self._remembered = {
            name: ItemFeatures(x=self._memory(place).clone(), mask=self._mask(place))
            for place, name in enumerate(self.names)
        }
        self._is_stale = False

    def _memory(self, place: int) -> Tensor:
        return self.get_buffer(f"memory_{place}")

    def _mask(self, place: int) -> Tensor:
        return self.get_buffer(f"mask_{place}")
