import pytest
import torch

from graphs import modality_masking

PROBABILITIES = {"image": 0.5, "text": 0.3, "audio": 0.2}


def seeded(seed):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def vectors():
    generator = seeded(0)
    sizes = {"image": (300, 40, 7.0), "text": (300, 16, 0.02), "audio": (300, 5, 1.0)}
    return {name: scale * torch.rand(n, d, generator=generator) for name, (n, d, scale) in sizes.items()}


@pytest.mark.parametrize("name", ["image", "text", "audio"])
def test_one_modality_becomes_noise_as_long_as_it_was(vectors, name):
    before = {other: rows.clone() for other, rows in vectors.items()}
    masked, found = modality_masking(vectors, {other: float(other == name) for other in vectors}, seeded(1))
    assert masked == name
    assert list(found) == list(vectors)
    assert all(found[other] is vectors[other] for other in vectors if other != name)
    assert torch.equal(vectors[name], before[name])
    noise, rows = found[name], vectors[name]
    assert (noise.shape, noise.dtype) == (rows.shape, rows.dtype)
    assert float(noise.norm(dim=1).mean()) == pytest.approx(float(rows.norm(dim=1).mean()), rel=1e-5)
    # Normal noise, rows of their own: mean 0, kurtosis 3, no row like the one it replaces.
    values = noise.flatten() / noise.std()
    assert abs(float(values.mean())) < 4 / values.numel() ** 0.5
    assert float(values.pow(4).mean()) == pytest.approx(3, abs=0.7)
    assert abs(float(torch.cosine_similarity(noise, rows - rows.mean(0), dim=1).mean())) < 0.12


def test_modalities_are_drawn_with_their_probabilities():
    vectors = {name: torch.ones(1, 1) for name in PROBABILITIES}
    generator, draws = seeded(2), 3000
    counts = dict.fromkeys(vectors, 0)
    for _ in range(draws):
        counts[modality_masking(vectors, PROBABILITIES, generator)[0]] += 1
    # Standard deviation of a share: at most 0.5 / sqrt(3000) = 0.009.
    assert {name: count / draws for name, count in counts.items()} == pytest.approx(PROBABILITIES, abs=0.03)


def test_seeds_decide(vectors):
    draws = [modality_masking(vectors, PROBABILITIES, seeded(seed)) for seed in (1, 1, 2)]
    assert draws[0][0] == draws[1][0]
    assert all(torch.equal(draws[0][1][name], draws[1][1][name]) for name in vectors)
    generator = seeded(1)
    masked, first = modality_masking(vectors, {"image": 1.0, "text": 0.0, "audio": 0.0}, generator)
    _, second = modality_masking(vectors, {"image": 1.0, "text": 0.0, "audio": 0.0}, generator)
    assert not torch.equal(first[masked], second[masked])
    torch.manual_seed(5)
    masked, first = modality_masking(vectors, PROBABILITIES)
    torch.manual_seed(5)
    assert torch.equal(modality_masking(vectors, PROBABILITIES)[1][masked], first[masked])


def test_no_gradient_passes_the_noise():
    vectors = {"image": torch.ones(4, 3, requires_grad=True), "text": torch.ones(4, 2, requires_grad=True)}
    _, found = modality_masking(vectors, {"image": 1.0, "text": 0.0}, seeded(0))
    assert not found["image"].requires_grad
    assert found["text"] is vectors["text"]


def test_a_modality_without_items():
    masked, found = modality_masking({"image": torch.empty(0, 3)}, {"image": 1.0}, seeded(0))
    assert found[masked].shape == (0, 3)


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ({"image": 1.0}, "'probabilities' must name the modalities of 'vectors': audio, image, text (got image)"),
        ({**PROBABILITIES, "video": 0.0}, "(got audio, image, text, video)"),
        ({"image": 0.5, "text": 0.3, "audio": 0.1}, "must be non-negative and sum to 1 (got {'image': 0.5"),
        ({"image": 1.5, "text": -0.5, "audio": 0.0}, "must be non-negative and sum to 1"),
        ({"image": float("nan"), "text": 0.5, "audio": 0.5}, "must be non-negative and sum to 1"),
    ],
)
def test_wrong_probabilities_are_named(vectors, probabilities, message):
    with pytest.raises(ValueError) as error:
        modality_masking(vectors, probabilities, seeded(0))
    assert message in str(error.value)


def test_no_modalities():
    with pytest.raises(ValueError, match="'vectors' must hold at least one modality"):
        modality_masking({}, {}, seeded(0))
