"""The six configurations of experiment 1 of Veldkamp et al. (2023)."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from encoders.errors import ArgumentError

__all__ = ["CONFIGURATIONS", "MusicVideoConfiguration", "find_configuration"]


@dataclass(frozen=True)
class MusicVideoConfiguration:
    """What a music-video model is, and how its heads start.

    Args:
        name: Of the configuration.
        out_features: Width of the common space; a single head takes that of the audio features instead.
        hidden: Width of hidden layers.
        num_layers: Linear layers of a head.
        dropout: Share of hidden values left out in training.
        temperature: Of the loss.
        learn_temperature: Whether it is trained, from that value on; not in the paper.
        single_head: Only the video features are projected, to the audio features as they are: their place is given,
            so that nothing squeezes the projection between 0 and 1.
        autoencoder: Whether heads start from autoencoders of their features.

    Raises:
        ArgumentError: If a value cannot work.
    """

    name: str = "base"
    out_features: int = 256
    hidden: int = 512
    num_layers: int = 2
    dropout: float = 0.3
    temperature: float = 1.0
    learn_temperature: bool = False
    single_head: bool = False
    autoencoder: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise ArgumentError(f"'temperature' must be positive and finite (got {self.temperature})")
        if self.single_head and self.autoencoder:
            raise ArgumentError("'autoencoder' needs two heads: a single head has no place between its layers to share")

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


_BASE = MusicVideoConfiguration()
CONFIGURATIONS = {
    configuration.name: configuration
    for configuration in (
        _BASE,
        replace(_BASE, name="embedding-512", out_features=512),
        replace(_BASE, name="four-layers", num_layers=4),
        replace(_BASE, name="single-head", single_head=True),
        replace(_BASE, name="temperature-0.3", temperature=0.3),
        replace(_BASE, name="autoencoder", autoencoder=True),
    )
}
"""By name, in the order of the paper's table 1."""


def find_configuration(configuration: str | MusicVideoConfiguration) -> MusicVideoConfiguration:
    """One of the six by its name, or the given one.

    Raises:
        ArgumentError: If there is none of this name.
    """
    if isinstance(configuration, MusicVideoConfiguration):
        return configuration
    if configuration not in CONFIGURATIONS:
        raise ArgumentError(f"'configuration' must be one of {', '.join(CONFIGURATIONS)} (got {configuration!r})")
    return CONFIGURATIONS[configuration]
