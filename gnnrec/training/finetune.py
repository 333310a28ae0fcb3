"""Fine-tuning encoders on the pairs of contents that a catalog's items have."""

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import torch
from torch import Tensor, nn

from encoders.losses import info_nce
from encoders.training import CheckpointFolder, TrainingOptions, TrainingState, TrainingTask, fit
from encoders.training.order import training_batches
from gnnrec.errors import ArgumentError
from gnnrec.training.live_features import LiveFeatures

__all__ = ["FINETUNE_OPTIONS", "finetune_encoders", "require_pairs"]

FINETUNE_OPTIONS = TrainingOptions(
    epochs=10, batch_size=32, optimizer="adamw", learning_rate=1e-4, decay=0.9, weight_decay=0.01, patience=None
)
"""Defaults; the weight decay of the encoders is that of the live features' options."""

_COMMON = 256
_TEMPERATURE = 0.07


def finetune_encoders(
    live: LiveFeatures,
    options: TrainingOptions = FINETUNE_OPTIONS,
    *,
    folder: CheckpointFolder | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> TrainingState:
    """Bring the contents of an item together and set those of different items apart.

    InfoNCE both ways between each two features, over the items that have both (the fine-tuning of Yi et al., 2023,
    https://arxiv.org/abs/2310.20343, section 3). Features of one length are compared as they are, as those of CLIP and
    AudioCLIP; others by linear projections to 256 numbers that are thrown away afterwards. Interactions are not used.

    Args:
        live: The encoders with their items; they are trained in place, and all items are encoded anew.
        options: How; a smaller learning rate suits trained weights.
        folder: Where to keep states.
        on_epoch: See :func:`encoders.training.fit`.

    Raises:
        ArgumentError: If there is a single modality, or fewer pairs than a batch.
        TrainingError: If the loss is not finite.
    """
    require_pairs(live)
    task = _PairTask(live, options)
    state = fit(task, options, folder=folder, on_epoch=on_epoch)
    live.refresh()
    return state


def require_pairs(live: LiveFeatures) -> None:
    """See to it that there are two kinds of content to compare.

    Raises:
        ArgumentError: If there is one.
    """
    if len(live.names) < 2:
        raise ArgumentError(
            f"fine-tuning needs two kinds of content to compare (got {live.names[0]}); name another encoder or modality"
        )


class _PairTask(TrainingTask):
    """Encoders, projections and a temperature for each pair of features."""

    def __init__(self, live: LiveFeatures, options: TrainingOptions) -> None:
        self.live, self.options = live, options
        self.masks = [content.mask for content in live.contents]
        self.pairs = list(combinations(range(len(live.names)), 2))
        dims = live.dims.values()
        self.projections = nn.ModuleList(
            nn.Identity() if len(set(dims)) == 1 else nn.Linear(dim, _COMMON, bias=False) for dim in dims
        )
        self.log_temperature = nn.Parameter(torch.tensor(_TEMPERATURE).log().repeat(len(self.pairs)))
        shared = torch.stack(self.masks).sum(dim=0) >= 2
        self.items = shared.nonzero().flatten()
        if len(self.items) < options.batch_size:
            raise ArgumentError(
                f"'batch_size' must be at most the number of items with two kinds of content, {len(self.items)} "
                f"(got {options.batch_size})"
            )
        model = nn.ModuleDict({"encoders": live.encoders, "projections": self.projections})
        model.register_parameter("log_temperature", self.log_temperature)
        super().__init__(model)

    @property
    def num_steps(self) -> int:
        return len(self.items) // self.options.batch_size

    def begin_epoch(self) -> None:
        self.model.train()
        self.live.train()  # which says what mode the encoders are in

    def batches(self, epoch: int) -> Iterator[Tensor]:
        options = self.options
        for places in training_batches(len(self.items), options.batch_size, epoch=epoch, seed=options.seed):
            yield self.items[places]

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        rows: list[Tensor | None] = []
        for name, mask, projection in zip(self.live.names, self.masks, self.projections, strict=True):
            present = batch[mask[batch]]
            rows.append(projection(self.live.encode(name, present.tolist())) if len(present) else None)
        terms = {}
        for number, (first, second) in enumerate(self.pairs):
            left, right = rows[first], rows[second]
            both = self.masks[first][batch] & self.masks[second][batch]
            label = f"{self.live.names[first]}-{self.live.names[second]}"
            if left is None or right is None or int(both.sum()) < 2:
                terms[label] = self.log_temperature[number] * 0.0  # the same terms at every step
                continue
            # Rows are those of the batch's items with the content, in the batch's order.
            one = left[both[self.masks[first][batch]]]
            other = right[both[self.masks[second][batch]]]
            temperature = self.log_temperature[number].exp().clamp(min=0.01, max=1.0)
            terms[label] = info_nce(one, other, temperature=temperature)
        return terms

    def parameter_groups(self) -> list[dict[str, Any]]:
        encoders = {"params": self.live.trained_parameters(), "weight_decay": self.live.options.weight_decay}
        heads = [*self.projections.parameters(), self.log_temperature]
        return [encoders, {"params": heads, "weight_decay": 0.0}]
