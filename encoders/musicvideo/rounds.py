"""Batches in which no two segments are of one film."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["draw_batches", "num_batches", "place_in_film"]

_Numbers = npt.NDArray[np.int64]


def draw_batches(film: Tensor, *, batch_size: int, seed: int, epoch: int) -> list[Tensor]:
    """Rows of an epoch's batches: every segment once, no film twice in a batch.

    An epoch has as many rounds as the film with most segments has; in a round every film that has a segment left gives
    one of them, drawn at random. The films of a round, in random order, are shared out to as few batches as hold them,
    whose sizes differ by one at most: a small last batch would have poor statistics for its normalisation and few
    negatives. A round of a single film is left out, since there is nothing to compare its segment with.

    Args:
        film: Film of each segment. Shape: (segments,), int64.
        batch_size: Segments of a batch at most, at least 3.
        seed: Of the draw, together with the epoch.
        epoch: Another one gives another draw.

    Returns:
        Rows of each batch. Shapes: (batch,), int64.
    """
    random = np.random.default_rng((seed, epoch))
    films: _Numbers = film.numpy()
    place = _places(films, random.random(len(films)))
    mixed = random.permutation(len(films))
    by_round = mixed[np.argsort(place[mixed], kind="stable")]
    ends = np.cumsum(np.bincount(place))
    batches: list[Tensor] = []
    for rows in np.split(by_round, ends[:-1]):
        if len(rows) > 1:
            batches += [torch.from_numpy(part) for part in np.array_split(rows, -(-len(rows) // batch_size))]
    return batches


def num_batches(film: Tensor, *, batch_size: int) -> int:
    """Number of batches that :func:`draw_batches` gives, in every epoch."""
    films: _Numbers = film.numpy()
    sizes = np.bincount(_places(films, np.zeros(len(films))))
    return int((-(-sizes // batch_size))[sizes > 1].sum())


def place_in_film(film: Tensor, section: Tensor) -> Tensor:
    """Which of its film's segments each is, by section, from 0; segments of one place are of different films.

    Args:
        film: Shape: (segments,), int64.
        section: Shape: (segments,), int64.

    Returns:
        Shape: (segments,), int64.
    """
    return torch.from_numpy(_places(film.numpy(), section.numpy()))


def _places(films: _Numbers, keys: npt.NDArray[np.float64] | _Numbers) -> _Numbers:
    """Place of each segment among those of its film in the order of the keys."""
    order = np.lexsort((keys, films))
    counts = np.bincount(films)
    starts = np.cumsum(counts) - counts
    places = np.empty(len(films), dtype=np.int64)
    places[order] = np.arange(len(films)) - np.repeat(starts, counts)
    return places
