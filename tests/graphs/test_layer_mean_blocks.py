import pytest
import torch

import graphs.sparse
from graphs import BipartiteGraph


@pytest.mark.parametrize("cached_bytes", [0, 16_000_000])
@pytest.mark.parametrize("norm", ["symmetric", "row"])
def test_blocks_of_columns_do_not_change_the_mean(
    cached_bytes: int, norm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs.sparse, "_CACHED_BYTES", cached_bytes)
    generator = torch.Generator().manual_seed(0)
    edges = (torch.rand(12, 9, generator=generator) < 0.4).nonzero().T.contiguous()
    operator = BipartiteGraph(edges, 12, 9).adjacency(norm)  # type: ignore[arg-type]
    x = torch.randn(21, 70, generator=generator, requires_grad=True)  # two whole blocks and a rest
    weight = torch.randn(21, 70, generator=generator)
    dense, layers = operator.csr.to_dense(), [x]
    for _ in range(3):
        layers.append(dense @ layers[-1])
    expected = torch.stack(layers).mean(0)
    (wanted,) = torch.autograd.grad((expected * weight).sum(), x, retain_graph=True)
    mean = operator.layer_mean(x, 3)
    (got,) = torch.autograd.grad((mean * weight).sum(), x)
    torch.testing.assert_close(mean, expected)
    torch.testing.assert_close(got, wanted)
