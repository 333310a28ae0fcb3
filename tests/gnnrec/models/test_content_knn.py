from pathlib import Path

import numpy as np
import pytest
import torch
from history_scorer_checks import TAKEN, check_item_similarity, check_scorer, graph_of, histories_of

from gnnrec.data import ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models import ContentKNN

MASKS = {
    "image": np.array([True, True, False, True, False, True]),
    "text": np.array([True, False, True, True, False, True]),
}


def make_features(masks: dict[str, np.ndarray] = MASKS, seed: int = 0) -> dict[str, ItemFeatures]:
    rng = np.random.default_rng(seed)
    features = {}
    for (name, mask), dim in zip(masks.items(), (3, 4), strict=True):
        x = rng.normal(1.0, 1.0, (6, dim)).astype(np.float32)
        x[~mask] = 0
        features[name] = ItemFeatures(torch.from_numpy(x), torch.from_numpy(mask))
    return features


def expected_scores(
    taken: np.ndarray, features: dict[str, ItemFeatures], center: bool, weights: dict[str, float]
) -> np.ndarray:
    """Pair by pair, as the equation reads."""
    scores = np.zeros_like(taken)
    for user in range(len(taken)):
        for item in range(taken.shape[1]):
            total = weight = 0.0
            for name, feature in features.items():
                mask, x = feature.mask.numpy(), feature.x.numpy().astype(np.float64)
                if center and mask.any():
                    x = x - x[mask].mean(0)
                history = [other for other in np.flatnonzero(taken[user]) if mask[other]]
                if not mask[item] or not history:
                    continue
                cosines = [x[o] @ x[item] / (np.linalg.norm(x[o]) * np.linalg.norm(x[item])) for o in history]
                total += weights.get(name, 1.0) * np.mean(cosines)
                weight += weights.get(name, 1.0)
            scores[user, item] = total / weight if weight else 0.0
    return scores


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("weights", [{}, {"text": 3.0}, {"image": 0.0}])
def test_scores_follow_the_equation(center: bool, weights: dict[str, float], tmp_path: Path) -> None:
    features = make_features()
    model = ContentKNN(center=center, weights=weights)
    expected = expected_scores(TAKEN, features, center, weights)
    check_scorer(model, ContentKNN(center=center, weights=weights), expected, tmp_path, features)
    check_item_similarity(model)


def test_an_item_without_content_scores_zero_and_says_nothing() -> None:
    model = ContentKNN().fit(graph_of(TAKEN), make_features())
    scores = model.score_histories(histories_of([[0, 1], [0, 1, 4], [4]]))
    assert torch.count_nonzero(scores[:, 4]) == 0
    torch.testing.assert_close(scores[1], scores[0])
    assert torch.count_nonzero(scores[2]) == 0


def test_an_item_that_nobody_took_is_ranked_by_its_content() -> None:
    features = make_features()
    features["image"].x[5] = features["image"].x[0]
    features["text"].x[5] = features["text"].x[0]
    model = ContentKNN().fit(graph_of(TAKEN), features)
    row = model.item_similarity(torch.tensor([0]))[0]
    assert row[5].item() == pytest.approx(1.0, abs=1e-5)
    assert row[5] > row[1:5].max()


def test_a_modality_that_covers_no_item_changes_nothing() -> None:
    masks = {"image": MASKS["image"], "text": np.zeros(6, dtype=bool)}
    features = make_features(masks)
    both = ContentKNN().fit(graph_of(TAKEN), features).score(torch.arange(5))
    one = ContentKNN().fit(graph_of(TAKEN), {"image": features["image"]}).score(torch.arange(5))
    torch.testing.assert_close(both, one)


def test_centering_takes_a_shared_direction_off() -> None:
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    everywhere = torch.ones(6, dtype=torch.bool)
    moved = {"text": ItemFeatures(x + 100.0, everywhere)}
    model = ContentKNN(center=True).fit(graph_of(TAKEN), moved)
    row = model.item_similarity(torch.tensor([0]))[0]
    torch.testing.assert_close(row[:3], torch.tensor([1.0, -1.0, 0.0]), atol=1e-4, rtol=0)
    assert ContentKNN(center=False).fit(graph_of(TAKEN), moved).item_similarity(torch.tensor([0])).min() > 0.99


def test_features_are_needed() -> None:
    nothing = {name: np.zeros(6, dtype=bool) for name in MASKS}
    for features in (None, {}, make_features(nothing)):
        with pytest.raises(ArgumentError, match="no item has features"):
            ContentKNN().fit(graph_of(TAKEN), features)
    assert ContentKNN.needs_features


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"'weights\[text\]' must be"):
        ContentKNN(weights={"text": -1.0})
    with pytest.raises(UnknownNameError, match="unknown modality 'txt'; did you mean 'text'"):
        ContentKNN(weights={"txt": 1.0}).fit(graph_of(TAKEN), make_features())
    with pytest.raises(ArgumentError, match="'weights' must leave at least one modality above 0"):
        ContentKNN(weights={"image": 0.0, "text": 0.0}).fit(graph_of(TAKEN), make_features())
    few = {"text": ItemFeatures(torch.ones(4, 2), torch.ones(4, dtype=torch.bool))}
    with pytest.raises(ArgumentError, match=r"'text' must have a row for each of the model's 6 items \(got 4 rows\)"):
        ContentKNN().fit(graph_of(TAKEN), few)


def test_parts_of_scores_add_up_where_items_lack_modalities() -> None:
    features, items = make_features(), torch.arange(6).expand(2, 6)
    histories = histories_of([[0, 3], [1, 5, 2]])
    model = ContentKNN(weights={"text": 3.0}).fit(graph_of(TAKEN), features)
    image, text = model.score_parts(histories, items)
    torch.testing.assert_close(image + text, model.score_histories(histories))
    assert not bool(image[:, ~features["image"].mask].any()) and not bool(text[:, ~features["text"].mask].any())
    alone = ContentKNN().fit(graph_of(TAKEN), {"text": features["text"]}).score_histories(histories)
    # Items 0, 3 and 5 have both modalities, which share the weight as 1 to 3; item 2 has text only.
    torch.testing.assert_close(text, alone * torch.tensor([3, 0, 4, 3, 0, 3]) / 4)
