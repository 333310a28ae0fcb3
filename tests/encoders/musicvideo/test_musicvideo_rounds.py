"""No film twice in a batch, every segment once an epoch."""

import numpy as np
import pytest
import torch

from encoders.musicvideo.rounds import draw_batches, num_batches, place_in_film

COUNTS = np.random.default_rng(0).integers(1, 8, size=97)  # segments of each film, from 1 to 7
FILM = torch.from_numpy(np.random.default_rng(1).permutation(np.repeat(np.arange(97), COUNTS)))


@pytest.mark.parametrize("batch_size", [3, 10, 40, 1000])
def test_every_segment_once_and_no_film_twice(batch_size):
    for epoch in (1, 2, 3):
        batches = draw_batches(FILM, batch_size=batch_size, seed=0, epoch=epoch)
        rows = torch.cat(batches)
        assert rows.sort().values.tolist() == list(range(len(FILM)))
        assert len(batches) == num_batches(FILM, batch_size=batch_size)
        for batch in batches:
            assert len(FILM[batch].unique()) == len(batch) <= batch_size
        # Rounds: before a film gives its second segment, every film has given its first.
        sizes = [int((place < COUNTS).sum()) for place in range(7)]
        for part, size in zip(rows.split(sizes), sizes, strict=True):
            assert len(FILM[part].unique()) == size
    assert min(len(batch) for batch in batches) > 1


def test_batches_of_a_round_have_nearly_the_same_size():
    batches = draw_batches(torch.arange(1001), batch_size=1000, seed=0, epoch=1)
    assert [len(batch) for batch in batches] == [501, 500]


def test_a_round_of_a_single_film_is_left_out_and_not_always_the_same_segment():
    film = torch.tensor([0, 1, 1, 1])
    left = set()
    for epoch in range(40):
        (batch,) = draw_batches(film, batch_size=5, seed=0, epoch=epoch)
        assert num_batches(film, batch_size=5) == 1 and film[batch].sort().values.tolist() == [0, 1]
        left |= set(range(4)) - set(batch.tolist())
    assert left == {1, 2, 3}


def test_the_draw_is_of_seed_and_epoch():
    def rows(seed: int, epoch: int) -> list[int]:
        return torch.cat(draw_batches(FILM, batch_size=10, seed=seed, epoch=epoch)).tolist()

    torch.manual_seed(5)
    assert rows(1, 2) == rows(1, 2)
    assert len({tuple(rows(seed, epoch)) for seed in (0, 1) for epoch in (1, 2)}) == 4


def test_companions_in_a_batch_are_drawn_evenly():
    film = torch.arange(6)
    together = np.zeros((6, 6))
    for epoch in range(600):
        for batch in draw_batches(film, batch_size=3, seed=0, epoch=epoch):
            together[np.ix_(batch, batch)] += 1
    pairs = together[np.triu_indices(6, 1)]  # each 600 * 2 / 5 = 240 times, with a deviation of 12
    assert pairs.min() > 190 and pairs.max() < 290


def test_places_follow_the_sections():
    film = torch.tensor([1, 0, 1, 0, 1])
    section = torch.tensor([5, 3, 0, 1, 2])
    assert place_in_film(film, section).tolist() == [2, 1, 0, 0, 1]
