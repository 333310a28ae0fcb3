"""Training AudioCLIP by its own loss: the audio head against the others, or all three."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from encoders.audioclip import AudioCLIP
from encoders.audioclip.decay import undecayed_apart
from encoders.training.order import training_batches
from encoders.training.stages.frame_samples import FrameSamples
from encoders.training.stages.frozen_vectors import frame_vectors, text_vectors
from encoders.training.stages.sound_rows import hear, sound_rows
from encoders.training.stages.sound_samples import SoundSamples
from encoders.training.stages.standalone_task import classification_figures
from encoders.training.task import TrainingTask

__all__ = ["CooperativeTask"]

_FROZEN = ("visual", "transformer", "token_embedding", "ln_final")


class TriModalBatch(NamedTuple):
    """Places of items in the training set, their sounds, pixels of a frame where the image head learns, and weights."""

    epoch: int
    places: list[int]
    sounds: Tensor
    pixels: Tensor | None
    weights: Tensor | None


class CooperativeTask(TrainingTask):
    """An :class:`~encoders.audioclip.AudioCLIP` on sounds, the names of their classes, and frames where there are any.

    From `AudioCLIP <https://arxiv.org/abs/2106.13043>`_ (Guzhov et al., 2021), section 4.3. Frozen heads encode each
    text and each frame once, before training.

    Args:
        model: All of its parameters learn unless ``freeze``.
        samples: Training sounds.
        texts: Of each training sound: the names of its classes.
        prompts: A text for each class, for validation.
        freeze: Whether the heads of pictures and texts, and their scale, stay as they are.
        multi_label: Whether an item may have several classes.
        batch_size: Items a step.
        frames: Frames of the training items [default: sounds and texts only].
        seed: Of the order.
        sample_weights: Weight of each training item [default: equal]. Shape: (items,).
        validation: Sounds by which the epoch is chosen, with their labels of shape (items, classes), bool.
        workers: Processes that make samples.
        frame_file: Where the frozen head's vectors of the frames are kept.
    """

    larger_is_better = True

    def __init__(
        self,
        model: AudioCLIP,
        samples: SoundSamples,
        texts: Sequence[str],
        prompts: Sequence[str],
        *,
        freeze: bool,
        multi_label: bool,
        batch_size: int,
        frames: FrameSamples | None = None,
        seed: int = 0,
        sample_weights: Tensor | None = None,
        validation: tuple[SoundSamples, Tensor] | None = None,
        workers: int = 0,
        frame_file: Path | None = None,
    ) -> None:
        super().__init__(model)
        self.audioclip, self.samples, self.texts, self.prompts = model, samples, list(texts), list(prompts)
        self.freeze, self.multi_label, self.batch_size = freeze, multi_label, batch_size
        self.frames, self.seed, self.workers, self.frame_file = frames, seed, workers, frame_file
        self.sample_weights, self.validation = sample_weights, validation
        self.metric = "mean_average_precision" if multi_label else "accuracy"
        for name, parameter in model.named_parameters():
            learns = name.startswith("audio.") or name in ("logit_scale_ai", "logit_scale_at")
            parameter.requires_grad_(learns or not freeze)
        self._frozen_texts: tuple[Tensor, Tensor] | None = None
        self._frozen_frames: Tensor | None = None

    @property
    def num_steps(self) -> int:
        """Batches an epoch."""
        return len(self.samples) // self.batch_size

    def begin_epoch(self) -> None:
        """Frozen heads stay in evaluation mode, and say what they have to say before the first epoch."""
        self.audioclip.train()
        if not self.freeze:
            return
        for name in _FROZEN:
            self.audioclip.get_submodule(name).eval()
        if self._frozen_texts is None:
            self._frozen_texts = text_vectors(self.audioclip, self.texts)
        if self._frozen_frames is None and self.frames is not None:
            self._frozen_frames = frame_vectors(self.audioclip, self.frames, file=self.frame_file)

    def batches(self, epoch: int) -> Iterator[TriModalBatch]:
        """Augmented sounds, and frames where the image head learns."""
        places = training_batches(len(self.samples), self.batch_size, epoch=epoch, seed=self.seed)
        sounds = self.samples.batches(places, epoch=epoch, workers=self.workers)
        pixels: Iterator[Tensor | None] = iter([None] * len(places))
        if self.frames is not None and not self.freeze:
            pixels = self.frames.batches(places, epoch=epoch, workers=self.workers)
        for batch, waveform, seen in zip(places, sounds, pixels, strict=True):
            weights = None if self.sample_weights is None else self.sample_weights[batch]
            yield TriModalBatch(epoch, batch, waveform, seen, weights)

    def loss(self, batch: TriModalBatch) -> dict[str, Tensor]:
        """The loss over the pairs of modalities, and the audio transform's."""
        device = self.audioclip.positional_embedding.device
        features = hear(self.audioclip.audio, batch.sounds)
        output = self.audioclip.compare(
            audio=functional.normalize(features.vectors.float(), dim=-1),
            image=self._image_vectors(batch),
            text=self._text_vectors(batch),
            sample_weights=None if batch.weights is None else batch.weights.to(device),
        )
        assert output.loss is not None, "sounds and texts are always there"
        return {"contrast": output.loss, "transform": features.regularization}

    def _text_vectors(self, batch: TriModalBatch) -> Tensor:
        if self._frozen_texts is not None:
            vectors, place = self._frozen_texts
            return vectors[place[batch.places].to(vectors.device)]
        texts = [self.texts[place] for place in batch.places]
        return self.audioclip.encode_text(texts, normalize=True).float()

    def _image_vectors(self, batch: TriModalBatch) -> Tensor | None:
        if self.frames is None:
            return None
        if self._frozen_frames is not None:
            frames = self.frames
            rows = [int(frames.first[place]) + frames.choose(batch.epoch, place) for place in batch.places]
            return self._frozen_frames[torch.tensor(rows, device=self._frozen_frames.device)]
        assert batch.pixels is not None, "batches bring the frames of a head that learns"
        device = self.audioclip.positional_embedding.device
        return self.audioclip.encode_image(batch.pixels.to(device, non_blocking=True), normalize=True).float()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The transform's parameters and the scales are not decayed."""
        return undecayed_apart(self.audioclip)

    def after_step(self) -> None:
        """Keep the scales between 1 and 100."""
        self.audioclip.limit_logit_scales()

    def validate(self) -> dict[str, float]:
        """Figures on the validation sounds."""
        return {} if self.validation is None else self.evaluate(*self.validation)

    def evaluate(self, samples: SoundSamples, labels: Tensor) -> dict[str, float]:
        """Accuracy of the nearest prompt, or mean average precision for several classes an item."""
        return classification_figures(self.scores(samples), labels, multi_label=self.multi_label)

    @torch.no_grad()
    def scores(self, samples: SoundSamples) -> Tensor:
        """Cosine of each sound, as it is, and each class's prompt. Shape: (items, classes), on the CPU."""
        self.audioclip.eval()
        prompts, _ = text_vectors(self.audioclip, self.prompts)
        vectors = sound_rows(self.audioclip.audio, samples, workers=self.workers)
        return functional.normalize(vectors, dim=-1) @ prompts.cpu().T
