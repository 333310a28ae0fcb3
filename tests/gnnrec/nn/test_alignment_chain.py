"""Fine and coarse alignment against its equations, step by step."""

import numpy as np
import pytest
import torch

from gnnrec.errors import ArgumentError
from gnnrec.nn.alignment_chain import AlignmentChain

NAMES = ("ids", "image", "audio", "text", "video")
DIM, ROWS = 6, 7


def vectors_of(number: int) -> dict[str, torch.Tensor]:
    drawn = torch.randn(number, ROWS, DIM, generator=torch.Generator().manual_seed(0))
    return dict(zip(NAMES[:number], drawn, strict=True))


def pair_loss(anchor: np.ndarray, positive: np.ndarray, ids: list[int]) -> float:
    losses = []
    for row in range(ROWS):
        others = [j for j in range(ROWS) if j == row or ids[j] != ids[row]]
        products = positive[others] @ anchor[row] / 0.5
        losses.append(np.log(np.exp(products).sum()) - positive[row] @ anchor[row] / 0.5)
    return float(np.mean(losses))


@pytest.mark.parametrize("items", [None, [0, 1, 2, 1, 3, 0, 0]])
@pytest.mark.parametrize(("number", "widths"), [(2, [6]), (3, [6, 6]), (4, [6, 6, 3]), (5, [6, 6, 3, 3])])
def test_equals_the_equations(number: int, widths: list[int], items: list[int] | None) -> None:
    chain, vectors = AlignmentChain(NAMES[:number], DIM, 0.5), vectors_of(number)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.normal_(std=0.5, generator=generator)
    common, expected = vectors["ids"].double().numpy(), 0.0
    for step, (name, width) in enumerate(zip(NAMES[1:number], widths, strict=True)):
        values = {key: value.double().numpy() for key, value in chain.state_dict().items()}
        common = common @ values[f"common.{step}.weight"].T + values[f"common.{step}.bias"]
        own = vectors[name].double().numpy() @ values[f"own.{step}.weight"].T
        assert own.shape == common.shape == (ROWS, width)
        expected += pair_loss(common, own, list(range(ROWS)) if items is None else items)
    loss = chain(vectors, None if items is None else torch.tensor(items))
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in chain.parameters())


def test_refuses() -> None:
    with pytest.raises(ArgumentError, match="'names' must hold at least two modalities \\(got 1\\)"):
        AlignmentChain(NAMES[:1], DIM, 0.5)
    with pytest.raises(ArgumentError, match="'embedding_dim' must be at least 2"):
        AlignmentChain(NAMES[:4], 1, 0.5)


def test_repr_and_start() -> None:
    chain = AlignmentChain(NAMES[:3], DIM, 0.5)
    assert "names=ids, image, audio" in repr(chain)
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.fill_(9.0)
    chain.reset_parameters()
    for name, value in chain.state_dict().items():
        assert not bool(value.any()) if "bias" in name else 0 < float(value.abs().max()) <= (6 / 12) ** 0.5
