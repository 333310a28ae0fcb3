"""Segments to films, and modalities to one vector."""

from torch import Tensor

from encoders.musicvideo.dual_encoder import MusicVideoVectors

__all__ = ["aggregate_modalities", "film_means"]


def film_means(vectors: Tensor, film: Tensor, num_films: int) -> Tensor:
    """Mean over the segments of each film; zeros of a film without any.

    Args:
        vectors: Shape: (segments, dim).
        film: Film of each segment. Shape: (segments,), int64.
        num_films: Number of films.

    Returns:
        Shape: (num_films, dim).
    """
    sums = vectors.new_zeros(num_films, vectors.shape[1]).index_add_(0, film, vectors)
    return sums / film.bincount(minlength=num_films).clamp(min=1)[:, None]


def aggregate_modalities(vectors: MusicVideoVectors) -> Tensor:
    """Mean of the audio and the video vector of each row. Shape: (rows, dim)."""
    return (vectors.audio + vectors.video) / 2
