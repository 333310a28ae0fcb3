"""How well audio finds its video, and video its audio."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from encoders.errors import ArgumentError
from encoders.evaluation import RetrievalRanks, recall_at, retrieval_ranks
from encoders.musicvideo.dual_encoder import MusicVideoModel, MusicVideoVectors
from encoders.musicvideo.rounds import place_in_film
from encoders.musicvideo.segment_features import SegmentFeatures

__all__ = ["RetrievalReport", "evaluate_retrieval", "rank_segments"]


@dataclass(frozen=True)
class RetrievalReport:
    """Ranks among segments of other films, 1 at best.

    Args:
        audio_to_video: Median rank of the right video, over all segments.
        video_to_audio: Median rank of the right audio.
        chance: Median rank by chance.
        candidates: Segments that compete with each other, on average.
        segments: Segments that were ranked.
        recall_audio_to_video: By k the share of segments whose video is among the first k.
        recall_video_to_audio: As well, of audio.
    """

    audio_to_video: float
    video_to_audio: float
    chance: float
    candidates: float
    segments: int
    recall_audio_to_video: dict[int, float]
    recall_video_to_audio: dict[int, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def rank_segments(vectors: MusicVideoVectors, features: SegmentFeatures) -> tuple[RetrievalRanks, list[int]]:
    """Rank each segment among those of the same place in other films: the first of each film, the second and so on.

    Segments of one film never compete: they are as good an answer.

    Returns:
        Ranks of all segments, set after set, and the sizes of the sets.

    Raises:
        ArgumentError: If there are no two films.
    """
    place = place_in_film(features.film, features.section)
    sets = [rows for rows in ((place == number).nonzero().flatten() for number in range(int(place.max()) + 1))]
    sets = [rows for rows in sets if len(rows) > 1]
    if not sets:
        raise ArgumentError("segments of at least two films are needed to rank them (got one)")
    ranks = [retrieval_ranks(vectors.audio[rows], vectors.video[rows]) for rows in sets]
    both = RetrievalRanks(torch.cat([each[0] for each in ranks]), torch.cat([each[1] for each in ranks]))
    return both, [len(rows) for rows in sets]


def evaluate_retrieval(
    model: MusicVideoModel, features: SegmentFeatures, *, recall_at_k: Sequence[int] = (1, 5, 10)
) -> RetrievalReport:
    """Median rank and recall in both directions.

    Candidates are one segment a film (see :func:`rank_segments`), as in the paper's table 1; ranks of all such sets are
    taken together. The published medians come from ``diag(argsort(similarity))``, which is no rank: it is about half
    the candidates whatever the model, and nothing here can be compared with it.

    Args:
        model: In any mode.
        features: Of segments that it was not trained on.
        recall_at_k: Which k.

    Raises:
        ArgumentError: If there are no two films.
    """
    ranks, sizes = rank_segments(model.encode(features), features)
    sized = torch.tensor(sizes, dtype=torch.float64)
    every = sized.repeat_interleave(sized.long())
    return RetrievalReport(
        audio_to_video=float(ranks.first_to_second.quantile(0.5)),
        video_to_audio=float(ranks.second_to_first.quantile(0.5)),
        chance=float((every.mean() + 1) / 2),
        candidates=float(every.mean()),
        segments=len(every),
        recall_audio_to_video={k: recall_at(ranks.first_to_second, k) for k in recall_at_k},
        recall_video_to_audio={k: recall_at(ranks.second_to_first, k) for k in recall_at_k},
    )
