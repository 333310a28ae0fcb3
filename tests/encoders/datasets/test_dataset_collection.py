import pickle

import pytest
import torch

from encoders.datasets import LabeledCollection, LabeledItem, class_weights, sample_weights
from encoders.errors import ArgumentError

ITEMS = (
    LabeledItem("a", labels=(0, 2), fold=2, part="train"),
    LabeledItem("b", labels=(2,), fold=1, part="test"),
    LabeledItem("c", labels=(), fold=2, part="train"),
    LabeledItem("d", labels=(0, 1, 2), fold=4, part="train"),
)
COLLECTION = LabeledCollection("example", ITEMS, ("dog", "rain", "sea waves", "siren"), multi_label=True)


def test_folds_and_parts():
    assert COLLECTION.folds == [1, 2, 4] and COLLECTION.parts == ["train", "test"]
    training, held_out = COLLECTION.fold_split(2)
    assert training == (ITEMS[1], ITEMS[3]) and held_out == (ITEMS[0], ITEMS[2])
    assert COLLECTION.part("train") == (ITEMS[0], ITEMS[2], ITEMS[3])
    assert len(COLLECTION) == 4 and repr(COLLECTION) == "LabeledCollection('example', 4 items, 4 classes)"


def test_label_matrix_of_some_items():
    matrix = COLLECTION.label_matrix([ITEMS[3], ITEMS[2], ITEMS[1]])
    assert matrix.dtype == torch.bool and matrix.int().tolist() == [[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 1, 0]]
    assert COLLECTION.label_matrix([]).shape == (0, 4)


def test_label_text():
    assert [COLLECTION.label_text(item) for item in ITEMS] == [
        "dog, sea waves",
        "sea waves",
        "",
        "dog, rain, sea waves",
    ]


def test_items_travel_to_workers():
    assert pickle.loads(pickle.dumps(COLLECTION)) == COLLECTION


def test_unknown_folds_and_parts():
    with pytest.raises(
        ArgumentError, match=r"'fold' must be one of at least two folds of 'example', 1, 2, 4 \(got 3\)"
    ):
        COLLECTION.fold_split(3)
    with pytest.raises(ArgumentError, match=r"'name' must be a part of 'example', train, test \(got 'valid'\)"):
        COLLECTION.part("valid")
    bare = LabeledCollection("bare", (LabeledItem("a", labels=(0,)),), ("dog",))
    with pytest.raises(ArgumentError, match=r"'bare' has no folds, so none can be held out \(got 1\)"):
        bare.fold_split(1)
    single = LabeledCollection("single", (LabeledItem("a", labels=(0,), fold=1),), ("dog",))
    with pytest.raises(ArgumentError, match=r"at least two folds of 'single', 1 \(got 1\)"):
        single.fold_split(1)


@pytest.mark.parametrize("labels", [(2, 0), (1, 1), (-1, 0)])
def test_labels_ascend(labels):
    with pytest.raises(ArgumentError, match="'labels' must be ascending, each once and at least 0"):
        LabeledItem("a", labels=labels)


@pytest.mark.parametrize(
    "items, message",
    [
        ([LabeledItem("a", labels=(0, 1))], r"'labels' of item 'a' must be one of a single label \(got \(0, 1\)\)"),
        ([LabeledItem("a")], r"'labels' of item 'a' must be one"),
        ([LabeledItem("a", labels=(2,))], r"must be less than the number of classes, 2 \(got \(2,\)\)"),
        (
            [LabeledItem("a", labels=(0,), fold=1), LabeledItem("b", labels=(1,))],
            r"'items' must all have a fold or none \(got 1 of 2 without\)",
        ),
    ],
)
def test_wrong_items(items, message):
    with pytest.raises(ArgumentError, match=message):
        LabeledCollection("wrong", tuple(items), ("dog", "rain"))


def test_class_weights_are_balanced_and_their_mean_is_1():
    weights = class_weights(ITEMS, 4)
    # Counts 2, 1, 3, 0: N / (C n) = 4 / (4 n) is 1/2, 1, 1/3, whose mean is 11/18.
    torch.testing.assert_close(weights, torch.tensor([9 / 11, 18 / 11, 6 / 11, 0.0]))
    assert float(weights[:3].mean()) == pytest.approx(1)
    single = [LabeledItem(str(number), labels=(number % 2,)) for number in range(8)]
    assert class_weights(single, 2).tolist() == [1.0, 1.0]


def test_sample_weights_are_the_sum_over_labels():
    weights = torch.tensor([0.5, 2.0, 0.25, 7.0])
    assert sample_weights(COLLECTION.label_matrix(ITEMS), weights).tolist() == [0.75, 0.25, 0.0, 2.75]


def test_wrong_weights():
    with pytest.raises(ArgumentError, match=r"'num_classes' must be above the greatest label, 2 \(got 2\)"):
        class_weights(ITEMS, 2)
    with pytest.raises(ArgumentError, match=r"'items' must have labels \(got none\)"):
        class_weights([ITEMS[2]], 2)
    with pytest.raises(ArgumentError, match=r"\(items, classes\) and \(classes,\) \(got \(4, 4\) and \(3,\)\)"):
        sample_weights(COLLECTION.label_matrix(ITEMS), torch.ones(3))
