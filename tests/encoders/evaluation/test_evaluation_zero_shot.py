import math

import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.evaluation import multi_label_probabilities, single_label_probabilities, zero_shot, zero_shot_scores

PROMPTS = 2 * torch.eye(3)
ITEMS = torch.tensor(
    [
        [1.0, 0, 0],
        [1, 1, 0],
        [1, 1, 1],
        [0, 1, 0],
        [0, 2, 1],
        [0, 1, 2],
        [1, 1, 0],
        [1, 1, 1],
        [3, 0, 0],
        [0, 0, 5],
    ]
)
LABELS = torch.tensor([0, 0, 2, 0, 1, 1, 2, 0, 0, 2])


def test_ten_items_of_one_label():
    result = zero_shot({"audio": ITEMS}, PROMPTS, LABELS, scales=20.0)
    # right: items 0, 4, 8, 9; a half of item 1; a third of items 2 and 7; items 3, 5, 6 are wrong
    assert result.value == pytest.approx((4 + 1 / 2 + 2 / 3) / 10)
    assert (result.metric, result.without_positives) == ("accuracy", 0)
    half = math.exp(20 / math.sqrt(2))
    assert result.probabilities[1].tolist() == pytest.approx([half / (2 * half + 1)] * 2 + [1 / (2 * half + 1)])


def test_ten_items_of_several_labels():
    targets = torch.zeros(10, 3, dtype=torch.bool)
    targets[[0, 1, 5], 0] = True
    targets[[2, 3, 6], 1] = True
    result = zero_shot({"audio": ITEMS}, PROMPTS, targets)
    # Cosines with prompt 0, ties together: items 0 8 at 1 (1 of 2 right), 1 6 (2 of 4), 2 7 (2 of 6),
    # and 3 4 5 9 at 0 (3 of 10): (1/2 + 1/2 + 3/10) / 3 = 13/30.
    # With prompt 1: item 3 at 1 (1 of 1), 4 at .89 (1 of 2), 1 6 at .71 (2 of 4), 2 7 at .58 (3 of 6), then 5 and the
    # rest: (1 + 1/2 + 1/2) / 3 = 2/3. Nobody has label 2.
    assert result.value == pytest.approx((13 / 30 + 2 / 3) / 2)
    assert (result.metric, result.without_positives) == ("mean_average_precision", 1)
    # cosines 1, 0 and 0.5774 minus 0.5 through the sigmoid
    assert result.probabilities[0].tolist() == pytest.approx([1 / (1 + math.exp(-0.5)), *[1 / (1 + math.exp(0.5))] * 2])
    assert float(result.probabilities[2, 0]) == pytest.approx(1 / (1 + math.exp(0.5 - 1 / math.sqrt(3))))


def test_several_labels_ignore_the_scales():
    targets = torch.eye(10, 3).bool()
    plain, scaled = (zero_shot({"audio": ITEMS}, PROMPTS, targets, scales=scale) for scale in (1.0, 100.0))
    assert torch.equal(plain.probabilities, scaled.probabilities)


def test_scores_are_the_mean_of_scaled_cosines():
    random = np.random.default_rng(0)
    audio, image, prompts = random.normal(size=(6, 4)), random.normal(size=(6, 4)), random.normal(size=(3, 4))

    def cosine(x):
        return x @ prompts.T / np.outer(np.linalg.norm(x, axis=1), np.linalg.norm(prompts, axis=1))

    vectors = {"audio": torch.tensor(audio), "image": torch.tensor(image)}
    scores = zero_shot_scores(vectors, torch.tensor(prompts), {"audio": torch.tensor(30.0), "image": 10.0, "text": 1.0})
    np.testing.assert_allclose(scores, (30 * cosine(audio) + 10 * cosine(image)) / 2, rtol=1e-6)
    np.testing.assert_allclose(
        zero_shot_scores(vectors, torch.tensor(prompts), 7.0), 3.5 * sum(map(cosine, (audio, image))), rtol=1e-5
    )


def test_probabilities():
    scores = torch.tensor([[0.0, math.log(3)], [0.5, -0.5]])
    assert single_label_probabilities(scores)[0].tolist() == pytest.approx([0.25, 0.75])
    assert multi_label_probabilities(scores)[1].tolist() == pytest.approx([0.5, 1 / (1 + math.e)])


def test_saturated_softmax_does_not_decide_the_accuracy():
    # At scale 1,000 both probabilities of item 0 round to exact zeros and ones: the scores still tell.
    vectors = torch.tensor([[1.0, 0.9], [0.9, 1.0]])
    result = zero_shot({"image": vectors}, torch.eye(2), torch.tensor([0, 1]), scales=1e4)
    assert result.value == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zero_shot_scores({}, PROMPTS), "'vectors' must be of one shape .* of one modality at least"),
        (lambda: zero_shot_scores({"audio": ITEMS, "image": ITEMS[:3]}, PROMPTS), r"one shape.*'image': \(3, 3\)"),
        (lambda: zero_shot_scores({"audio": ITEMS}, PROMPTS[:, :2]), "'prompts' must have the dimension of 'audio'"),
        (
            lambda: zero_shot_scores({"audio": ITEMS}, PROMPTS, {"image": 1.0}),
            r"'scales' must name each of audio \(got",
        ),
        (lambda: zero_shot_scores({"audio": ITEMS / 0}, PROMPTS), "'audio' must be finite"),
        (lambda: zero_shot({"audio": ITEMS}, PROMPTS, LABELS + 1), r"'labels' must lie in \[0, 3\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
