"""Segments to features, once, so that training heads never runs a backbone."""

from collections.abc import Callable
from pathlib import Path

import torch

from encoders.base import Encoder
from encoders.errors import ArgumentError, EncoderError
from encoders.musicvideo.section_preprocess import SectionClips, SectionWindows
from encoders.musicvideo.segment_features import SegmentFeatures
from encoders.musicvideo.segment_table import read_segment_table
from encoders.store import Catalog, EncodeOptions, encode_catalog
from encoders.store.blocks import read_rows

__all__ = ["create_backbone", "encode_segments", "segment_feature_path"]

_FOLDER, _NAME = "features", "segment_features.safetensors"


def create_backbone(modality: str, *, weights: str | Path | None = None, sections: int = 1, seed: int = 0) -> Encoder:
    """The backbone of a modality, musicnn or R(2+1)D, as Veldkamp et al. (2023) use it.

    It takes 3 seconds, or 30 frames at 10 a second, of the middle.

    Args:
        modality: ``"audio"`` or ``"video"``.
        weights: File of the weights [default: random, with a warning].
        sections: Equal parts of a sound or film; the middle of each is encoded. A segment is one.
        seed: Of random weights.

    Returns:
        In evaluation mode.

    Raises:
        ArgumentError: If the modality is another.
        WeightsError: If the file does not fit.
    """
    if modality == "audio":
        from encoders.musicnn import Musicnn

        musicnn = Musicnn(weights, seed=seed)
        musicnn.preprocess = SectionWindows(max_windows=sections)
        return musicnn.eval()
    if modality == "video":
        from encoders.r2plus1d import R2Plus1D

        r2plus1d = R2Plus1D(weights=weights, seed=seed)
        r2plus1d.preprocess = SectionClips(max_clips=sections)
        return r2plus1d.eval()
    raise ArgumentError(f"'modality' must be audio or video (got {modality!r})")


def segment_feature_path(folder: Path) -> Path:
    """Where :func:`encode_segments` puts the features of a folder of segments."""
    return folder / _FOLDER / _NAME


def encode_segments(
    folder: Path,
    audio_encoder: Encoder,
    video_encoder: Encoder,
    *,
    options: EncodeOptions | None = None,
    audio_weights: Path | None = None,
    video_weights: Path | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> SegmentFeatures:
    """Encode the segments of a folder by both backbones into ``features/segment_features.safetensors``.

    A killed run goes on with the first missing block; segments that are encoded already are not encoded again. A
    segment that one of the two cannot read is left out; the tables of problems in ``features`` say why.

    Args:
        folder: What :func:`~encoders.musicvideo.cut_segments` wrote.
        audio_encoder: Of sound, in evaluation mode.
        video_encoder: Of films, in evaluation mode.
        options: Batches, workers, device, precision.
        audio_weights: File that the weights came from, noted in the features.
        video_weights: File that the weights came from, noted in the features.
        on_progress: Called with the modality, the segments done and all segments.

    Raises:
        ArgumentError: If an encoder is of another modality.
        EncoderError: If there is no table of segments, or no segment could be encoded by both.
    """
    for name, encoder, modality in (
        ("audio_encoder", audio_encoder, "audio"),
        ("video_encoder", video_encoder, "video"),
    ):
        if encoder.modality != modality:
            raise ArgumentError(f"'{name}' must encode {modality} (got '{encoder.name}', of {encoder.modality})")
    rows = read_segment_table(folder)
    contents = {"audio": [row.audio for row in rows], "video": [row.video for row in rows]}
    catalog = Catalog(folder, [row.segment_id for row in rows], contents)
    encoded = []
    for encoder, weights in ((audio_encoder, audio_weights), (video_encoder, video_weights)):

        def tell(done: int, total: int, modality: str = encoder.modality) -> None:
            if on_progress:
                on_progress(modality, done, total)

        report = encode_catalog(encoder, catalog, folder / _FOLDER, options=options, weights=weights, on_progress=tell)
        assert report.path is not None, "one process encodes all"
        encoded.append(read_rows(report.path)[0])
    both = (encoded[0].mask & encoded[1].mask).nonzero().flatten()
    if len(both) == 0:
        raise EncoderError(f"{folder}: no segment could be encoded by both encoders; see {folder / _FOLDER}")
    kept = [rows[row] for row in both.tolist()]
    names = sorted({row.film for row in kept})
    place = {name: number for number, name in enumerate(names)}
    features = SegmentFeatures(
        audio=encoded[0].x[both],
        video=encoded[1].x[both],
        film=torch.tensor([place[row.film] for row in kept]),
        film_names=tuple(names),
        section=torch.tensor([row.section for row in kept]),
    )
    features.save(segment_feature_path(folder))
    return features
