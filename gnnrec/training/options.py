"""Settings of training."""

from dataclasses import dataclass

from gnnrec.errors import ArgumentError

__all__ = ["TrainOptions"]


@dataclass(frozen=True)
class TrainOptions:
    """How to train; what a model is made of is in its constructor.

    Args:
        learning_rate: Step size of Adam.
        batch_size: Training pairs a step.
        accumulate_steps: Batches whose gradients are averaged for one step of the optimizer: with an encoder that
            learns too, as good as larger batches and with the memory of small ones.
        max_epochs: Epochs at most.
        patience: Evaluations without a better validation metric after which training stops.
        evaluate_every: Epochs between evaluations.
        metric: Validation metric that selects the epoch.
        seed: Seed of initial parameters, order of pairs and negatives.
        device: ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"auto"`` (CUDA where there is one).
        deterministic: Refuse CUDA operations whose result varies between runs.
    """

    learning_rate: float = 3e-3
    batch_size: int = 2048
    accumulate_steps: int = 1
    max_epochs: int = 1000
    patience: int = 20
    evaluate_every: int = 1
    metric: str = "recall@20"
    seed: int = 0
    device: str = "auto"
    deterministic: bool = False

    def __post_init__(self) -> None:
        for name in ("batch_size", "accumulate_steps", "max_epochs", "patience", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"'{name}' must be a positive integer (got {getattr(self, name)})")
        if not -(2**63) <= self.seed < 2**63:
            raise ArgumentError(f"'seed' must be an integer in [-2^63, 2^63) (got {self.seed})")
        if not self.learning_rate > 0:
            raise ArgumentError(f"'learning_rate' must be positive (got {self.learning_rate})")
