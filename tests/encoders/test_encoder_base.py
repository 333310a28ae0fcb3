"""What encoders have in common, on one that is small."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from encoders import Encoder, Prepared, Preprocess
from encoders.base import average_samples
from encoders.errors import ArgumentError, ContentError


@dataclass(frozen=True)
class RowsPreprocess(Preprocess):
    """Rows of numbers as they are."""

    scale: float = 1.0

    def read(self, data: bytes, name: str) -> Tensor:
        return torch.tensor([[float(part) for part in data.split()]])

    def __call__(self, content: Tensor) -> Prepared:
        if not len(content):
            raise ContentError("no rows")
        return Prepared(content * self.scale)


class SmallEncoder(Encoder):
    """Vectors depend on the training mode, and the batches are noted."""

    def __init__(self) -> None:
        super().__init__(name="small", modality="text", dim=3, preprocess=RowsPreprocess())
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.map = nn.Linear(4, 3, dtype=torch.float64)
        self.batches: list[int] = []
        with torch.no_grad():
            self.norm.running_mean.copy_(torch.arange(4.0))

    def forward(self, batch: Tensor) -> Tensor:
        if len(batch) == 13:
            raise RuntimeError("thirteen")
        self.batches.append(len(batch))
        vectors: Tensor = self.map(self.drop(self.norm(batch)).double())
        return vectors


@pytest.fixture
def encoder() -> SmallEncoder:
    torch.manual_seed(0)
    return SmallEncoder()


@pytest.fixture
def contents() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(count, 4, generator=generator) for count in (1, 5, 2, 1, 9, 3)]


def test_each_item_is_the_mean_of_its_samples_whatever_the_batch(encoder, contents):
    encoder.eval()
    together = encoder.encode(contents, batch_size=4)
    assert together.shape == (6, 3) and together.dtype == torch.float32 and not together.requires_grad
    assert encoder.batches == [4, 4, 4, 4, 4, 1]
    for content, vector in zip(contents, together, strict=True):
        torch.testing.assert_close(encoder.encode([content])[0], vector, atol=1e-6, rtol=0)
        expected = encoder(content).mean(dim=0).float()
        torch.testing.assert_close(expected, vector, atol=1e-6, rtol=0)


@pytest.mark.parametrize("training", [True, False])
def test_encoding_is_in_evaluation_mode_and_keeps_the_mode(encoder, contents, training):
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    encoder.train(training)
    first, second = encoder.encode(contents), encoder.encode(contents)
    assert encoder.training == encoder.norm.training == training
    assert torch.equal(first, second)
    assert torch.equal(first, encoder.eval().encode(contents))
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_an_error_keeps_the_mode(encoder):
    encoder.train()
    with pytest.raises(RuntimeError, match="thirteen"):
        encoder.encode([torch.zeros(13, 4)])
    assert encoder.training


def test_no_items_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, 3)


def test_bad_arguments(encoder, contents):
    with pytest.raises(ArgumentError, match=r"'batch_size' must be a positive integer \(got 0\)"):
        encoder.encode(contents, batch_size=0)
    with pytest.raises(ContentError, match="no rows"):
        encoder.encode([torch.zeros(0, 4)])

    class Smell(SmallEncoder):
        def __init__(self) -> None:
            Encoder.__init__(self, name="smell", modality="smell", dim=1, preprocess=RowsPreprocess())

    with pytest.raises(ArgumentError, match=r"'modality' must be one of image, text, audio, video \(got 'smell'\)"):
        Smell()


def test_average_samples():
    rows = torch.arange(12.0).reshape(6, 2)
    means = average_samples(rows, torch.tensor([1, 3, 2]))
    assert means.tolist() == [[0, 1], [4, 5], [9, 10]]
    assert average_samples(rows.double(), torch.tensor([6])).tolist() == [[5, 6]]
    assert average_samples(rows[:0], torch.zeros(0, dtype=torch.int64)).shape == (0, 2)


def test_hash_of_the_weights(encoder):
    start = encoder.weights_hash()
    assert start == encoder.weights_hash() and len(start) == 32
    with torch.no_grad():
        encoder.map.weight[1, 2] += 1e-12
    changed = encoder.weights_hash()
    assert changed != start
    with torch.no_grad():  # a buffer is a weight too
        encoder.norm.running_var[0] = 2.0
    assert encoder.weights_hash() != changed


def test_hash_tells_names_shapes_and_types(encoder, monkeypatch):
    values = torch.arange(6, dtype=torch.float32)
    states = [
        {"a": values},
        {"b": values},
        {"a": values.reshape(2, 3)},
        {"a": values.view(torch.int32)},
        {"a": values[:3], "b": values[3:]},
        {"a": torch.tensor(1.0)},
        {"a": torch.ones(2, dtype=torch.bfloat16)},
        {"a": torch.ones(2, 3)[:, :0]},
    ]
    hashes = []
    for state in states:
        monkeypatch.setattr(encoder, "weights_in_use", lambda state=state: state)
        hashes.append(encoder.weights_hash())
    assert len(set(hashes)) == len(states)
    monkeypatch.setattr(encoder, "weights_in_use", lambda: {"a": values.reshape(2, 3).T.contiguous().T})
    assert encoder.weights_hash() == hashes[2]  # how values lie in memory does not count
    monkeypatch.setattr(encoder, "weights_in_use", dict)
    assert encoder.weights_hash() == "none"


def test_descriptions(encoder):
    assert RowsPreprocess(2.0).describe() == "RowsPreprocess(scale=2.0)"
    assert "small, modality=text, dim=3" in repr(encoder)
    assert encoder.feature_name == "small"
    assert encoder.device == torch.device("cpu")


@pytest.mark.parametrize("contents", ["redapple", b"bytes", 7])
def test_contents_that_are_no_list_are_refused(contents):
    with pytest.raises(ArgumentError, match="'contents' must be a list of contents, one an item"):
        SmallEncoder().encode(contents)
