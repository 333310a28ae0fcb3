"""How an encoder learns together with a recommender."""

from dataclasses import dataclass

from gnnrec.errors import ArgumentError

__all__ = ["LiveOptions"]


@dataclass(frozen=True)
class LiveOptions:
    """Settings of end-to-end training beside those of the recommender.

    Args:
        learning_rate: Of the encoders; the recommender has its own.
        weight_decay: Of the encoders' parameters, decoupled.
        finetune_epochs: Passes over the items where encoders are fine-tuned on their pairs of contents first.
        warm_up_epochs: Epochs at the start in which the encoders stay as they are.
        unfreeze_blocks: Only the last so many blocks of each encoder learn [default: all]; see
            :func:`~gnnrec.training.encoder_blocks.encoder_blocks`.
        refresh_every: All items are encoded anew after every so many epochs; in between only those that a step touches.
        max_items: Items that a step encodes at most, chosen at random among those it touches; the others come from
            memory, without gradient.
        chunk_samples: Samples in one pass of an encoder, so with ``checkpoint`` a bound of the memory.
        checkpoint: Whether to work out the inside of a pass again for its gradient instead of keeping it.
        batch_statistics: Whether encoders learn in training mode, where batch normalisation goes by the batch and
            dropout drops. Encoders with random weights need it to learn well; trained ones keep what they know better
            without, and then an item's vector does not depend on which others a step touches.
        augment: Whether pictures are mirrored and sounds shifted at random where they are encoded with gradient.
        precision: Of the encoders: ``"fp32"`` or ``"bf16"``.

    Raises:
        ArgumentError: If a value cannot work.
    """

    learning_rate: float = 1e-4
    weight_decay: float = 0.0
    finetune_epochs: int = 10
    warm_up_epochs: int = 0
    unfreeze_blocks: int | None = None
    refresh_every: int = 1
    max_items: int = 256
    chunk_samples: int = 64
    checkpoint: bool = False
    batch_statistics: bool = False
    augment: bool = False
    precision: str = "fp32"

    def __post_init__(self) -> None:
        if not self.learning_rate > 0:
            raise ArgumentError(f"'learning_rate' must be positive (got {self.learning_rate})")
        if not self.weight_decay >= 0:
            raise ArgumentError(f"'weight_decay' must be at least 0 (got {self.weight_decay})")
        if self.warm_up_epochs < 0:
            raise ArgumentError(f"'warm_up_epochs' must be at least 0 (got {self.warm_up_epochs})")
        for name in ("finetune_epochs", "refresh_every", "max_items", "chunk_samples"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"'{name}' must be a positive integer (got {getattr(self, name)})")
        if self.unfreeze_blocks is not None and self.unfreeze_blocks < 1:
            raise ArgumentError(f"'unfreeze_blocks' must be a positive integer or None (got {self.unfreeze_blocks})")
        if self.precision not in ("fp32", "bf16"):
            raise ArgumentError(f"'precision' must be fp32 or bf16 (got {self.precision!r})")
