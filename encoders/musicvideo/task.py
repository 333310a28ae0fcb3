"""The training of music-video heads."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from encoders.errors import ArgumentError
from encoders.losses import info_nce
from encoders.musicvideo.dual_encoder import MusicVideoModel
from encoders.musicvideo.retrieval import rank_segments
from encoders.musicvideo.rounds import draw_batches, num_batches, place_in_film
from encoders.musicvideo.segment_features import SegmentFeatures
from encoders.training import TrainingTask

__all__ = ["ContrastiveTask"]


class ContrastiveTask(TrainingTask):
    """InfoNCE in both directions, over batches without two segments of one film; see :func:`draw_batches`.

    The epoch is chosen by the loss on validation segments, among one segment a film as in a batch.

    Args:
        model: What is trained.
        train: Segments to learn from, of at least two films.
        valid: Segments of other films.
        batch_size: Segments a batch at most.
        seed: Of the batches.

    Raises:
        ArgumentError: If ``batch_size`` is below 3, or a part has fewer than two films with segments.
    """

    def __init__(
        self,
        model: MusicVideoModel,
        train: SegmentFeatures,
        valid: SegmentFeatures,
        *,
        batch_size: int = 1000,
        seed: int = 0,
    ) -> None:
        super().__init__(model)
        if batch_size < 3:
            raise ArgumentError(f"'batch_size' must be an integer of at least 3 (got {batch_size})")
        for name, part in (("train", train), ("valid", valid)):
            if len(torch.unique(part.film)) < 2:
                raise ArgumentError(f"'{name}' must have segments of at least two films (got {len(part.film_names)})")
        self.music_video = model
        self.train, self.valid = train, valid
        self.batch_size, self.seed = batch_size, seed

    @property
    def num_steps(self) -> int:
        """Batches an epoch."""
        return num_batches(self.train.film, batch_size=self.batch_size)

    def batches(self, epoch: int) -> Iterable[Tensor]:
        """Rows of the training segments."""
        return draw_batches(self.train.film, batch_size=self.batch_size, seed=self.seed, epoch=epoch)

    def loss(self, batch: Tensor) -> dict[str, Tensor]:
        """The sum of both directions."""
        device = self.music_video.log_temperature.device
        vectors = self.music_video(self.train.audio[batch].to(device), self.train.video[batch].to(device))
        return {"contrast": info_nce(vectors.audio, vectors.video, temperature=self._temperature())}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Loss, and median rank in both directions."""
        vectors = self.music_video.encode(self.valid)
        place = place_in_film(self.valid.film, self.valid.section)
        temperature = float(self.music_video.temperature)
        losses, counts = [], []
        for number in range(int(place.max()) + 1):
            for rows in torch.split((place == number).nonzero().flatten(), self.batch_size):
                if len(rows) > 1:
                    losses.append(float(info_nce(vectors.audio[rows], vectors.video[rows], temperature=temperature)))
                    counts.append(len(rows))
        ranks, _ = rank_segments(vectors, self.valid)
        return {
            "loss": sum(loss * count for loss, count in zip(losses, counts, strict=True)) / sum(counts),
            "rank_audio_to_video": float(ranks.first_to_second.quantile(0.5)),
            "rank_video_to_audio": float(ranks.second_to_first.quantile(0.5)),
        }

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Decay of weights, where there is any, spares the temperature."""
        temperature = self.music_video.log_temperature
        groups: list[dict[str, Any]] = [
            {"params": [value for value in self.model.parameters() if value.requires_grad and value is not temperature]}
        ]
        if temperature.requires_grad:
            groups.append({"params": [temperature], "weight_decay": 0.0})
        return groups

    def _temperature(self) -> Tensor | float:
        temperature = self.music_video.temperature
        return temperature if temperature.requires_grad else float(temperature)
