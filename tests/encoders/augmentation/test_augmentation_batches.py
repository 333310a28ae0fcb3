"""Laws of augmentations of batches."""

import torch

from encoders.augmentation import augment_batch, mirror_images, shift_sounds


def test_half_of_the_pictures_are_mirrored_and_the_others_stay() -> None:
    pictures = torch.randn(2000, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    seen = mirror_images(pictures, torch.Generator().manual_seed(1))
    same = (seen == pictures).flatten(1).all(dim=1)
    mirrored = (seen == pictures.flip(-1)).flatten(1).all(dim=1)
    assert bool((same | mirrored).all())
    assert 920 <= int(mirrored.sum()) <= 1080  # 3.6 standard deviations around 1000


def test_sounds_are_rotated_by_less_than_a_quarter() -> None:
    sounds = torch.arange(40).float().repeat(3000, 1)
    seen = shift_sounds(sounds, torch.Generator().manual_seed(0))
    offset = seen[:, 0].long()
    assert torch.equal(seen, (torch.arange(40)[None] + offset[:, None]).remainder(40).float())
    counts = offset.bincount(minlength=10)
    assert len(counts) == 10 and 230 <= int(counts.min()) <= int(counts.max()) <= 370


def test_texts_and_films_stay_as_they_are_and_the_global_source_is_used_without_another() -> None:
    tokens = torch.arange(12).view(3, 4)
    assert torch.equal(augment_batch(tokens, "text"), tokens)
    torch.manual_seed(3)
    first = augment_batch(torch.randn(8, 100, generator=torch.Generator().manual_seed(0)), "audio")
    torch.manual_seed(3)
    again = augment_batch(torch.randn(8, 100, generator=torch.Generator().manual_seed(0)), "audio")
    assert torch.equal(first, again)
