"""musicnn as an encoder of sounds."""

from pathlib import Path

import torch
from torch import Tensor

from encoders.base import Encoder
from encoders.content import Sound
from encoders.errors import ArgumentError
from encoders.musicnn.mel import SAMPLE_RATE
from encoders.musicnn.network import PENULTIMATE_DIM, POOLED_DIM, MusicnnNetwork, MusicnnOutput
from encoders.musicnn.tag_names import TAG_NAMES
from encoders.musicnn.weights import load_keras_weights
from encoders.waveform_preprocess import WaveformPreprocess
from encoders.weights import seeded, warn_random

__all__ = ["Musicnn"]

_LAYER_DIMS = {"pooled": POOLED_DIM, "penultimate": PENULTIMATE_DIM}
_AFTER_POOLED = ("network.pooled_norm.", "network.dense.", "network.dense_norm.", "network.tags.")
_AFTER_LAYER = {"pooled": _AFTER_POOLED, "penultimate": _AFTER_POOLED[-1:]}
_TAG_BATCH = 32


class Musicnn(Encoder):
    """Sounds to what a music tagger knows of them, averaged over windows of 3 seconds.

    From `musicnn: Pre-trained convolutional neural networks for music audio tagging
    <https://arxiv.org/abs/1909.06654>`_ (Pons & Serra, 2019).

    Args:
        weights: Keras HDF5 file of the weights; without it they are random, with a warning, and so are the tags.
        tags: Which tags the weights tell: ``"mtt"`` (MagnaTagATune) or ``"msd"`` (Million Song Dataset). The files
            do not say it themselves.
        layer: The vectors: ``"pooled"``, maximum and mean over time of all channels (1506), or ``"penultimate"``,
            the layer before the tags (200).
        max_windows: Windows of 3 seconds a sound at most.
        seed: Of the random weights; the global random state is left alone.

    Raises:
        ArgumentError: If ``tags`` or ``layer`` is unknown or ``max_windows`` is not positive.
        MissingPackageError: If ``weights`` is given and h5py is not installed.
        WeightsError: If the file of weights cannot be read or does not fit.

    Example:
        >>> encoder = Musicnn("musicnn_mtt.h5")  # doctest: +SKIP
        >>> encoder.tag(read_audio("violin.wav"))  # doctest: +SKIP
        [('violin', 0.45), ('strings', 0.19), ('classical', 0.10)]
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        tags: str = "mtt",
        *,
        layer: str = "pooled",
        max_windows: int = 20,
        seed: int = 0,
    ) -> None:
        for name, value, choices in (("tags", tags, TAG_NAMES), ("layer", layer, _LAYER_DIMS)):
            if value not in choices:
                raise ArgumentError(f"'{name}' must be one of {', '.join(map(repr, choices))} (got {value!r})")
        preprocess = WaveformPreprocess(
            sample_rate=SAMPLE_RATE, window_seconds=3.0, stride_seconds=3.0, max_windows=max_windows
        )
        super().__init__(name="musicnn", modality="audio", dim=_LAYER_DIMS[layer], preprocess=preprocess)
        self.layer = layer
        self.tag_names = TAG_NAMES[tags]
        self.network = seeded(MusicnnNetwork, seed)
        if weights is None:
            warn_random(self.name, seed)
        else:
            load_keras_weights(self.network, weights)

    def forward(self, batch: Tensor) -> Tensor:
        """Encode windows.

        Args:
            batch: Mono sound at 16 kHz. Shape: (batch, 48000), float32.

        Returns:
            The vectors of the chosen layer. Shape: (batch, dim).
        """
        output: MusicnnOutput = self.network(batch)
        return output.pooled if self.layer == "pooled" else output.penultimate

    def weights_in_use(self) -> dict[str, Tensor]:
        """Those up to the chosen layer."""
        state = self.state_dict()
        return {name: tensor for name, tensor in state.items() if not name.startswith(_AFTER_LAYER[self.layer])}

    @torch.no_grad()
    def tag(self, sound: Sound, top: int = 3) -> list[tuple[str, float]]:
        """The likeliest tags of a sound, in evaluation mode, averaged over its windows.

        Args:
            sound: Of any sample rate, length and number of channels.
            top: Number of tags; more than 50 gives all 50.

        Returns:
            Names and probabilities, the likeliest first. Each tag has its own probability: they do not add up to 1.

        Raises:
            ArgumentError: If ``top`` is not positive.
            ContentError: If the sound has no samples.
        """
        if top < 1:
            raise ArgumentError(f"'top' must be a positive integer (got {top})")
        windows = self.preprocess(sound).samples
        training = self.training
        self.eval()
        try:
            logits = [self.network(batch.to(self.device)).logits for batch in torch.split(windows, _TAG_BATCH)]
        finally:
            self.train(training)
        values, places = torch.cat(logits).sigmoid().mean(dim=0).topk(min(top, len(self.tag_names)))
        return [(self.tag_names[place], value) for place, value in zip(places.tolist(), values.tolist(), strict=True)]
