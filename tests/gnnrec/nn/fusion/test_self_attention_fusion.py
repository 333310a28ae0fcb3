import numpy as np
import pytest
from fusion_cases import ROWS, Expected, array, case, check, randomise, rows, softmax

from gnnrec.nn.fusion import SelfAttentionFusion

DIM = 4


def layer_norm(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray) -> np.ndarray:
    return np.asarray((x - x.mean()) / np.sqrt(x.var() + 1e-5) * gamma + beta)


@pytest.mark.parametrize("names", [("image",), ("image", "text"), ("image", "text", "audio")])
@pytest.mark.parametrize("missing", ["nothing", "some", "first"])
@pytest.mark.parametrize("out_dim", [DIM, 3])
def test_equals_attention_between_tokens(names: tuple[str, ...], missing: str, out_dim: int) -> None:
    fusion = SelfAttentionFusion(dict.fromkeys(names, DIM), out_dim)
    randomise(fusion)
    weight = array(fusion.projection.weight)
    query, key, value = np.split(weight, 3) if len(names) > 1 else (None, None, weight)
    gamma, beta = array(fusion.norm.weight), array(fusion.norm.bias)
    output = np.eye(DIM) if out_dim == DIM else array(fusion.output.weight)
    chosen = case(dict.fromkeys(names, DIM), missing)
    usage = np.zeros((ROWS, len(names)))
    parts = {name: np.zeros((ROWS, out_dim)) for name in names}
    whole = np.zeros((ROWS, out_dim))
    for index, row in enumerate(rows(chosen)):
        for a, h in row.items():
            if query is None or key is None:
                alpha = np.ones(1)
            else:
                alpha = softmax([float((query @ h) @ (key @ other)) / np.sqrt(DIM) for other in row.values()])
            token = h + sum(share * (value @ other) for share, other in zip(alpha, row.values(), strict=True))
            whole[index] += output @ layer_norm(token, gamma, beta) / len(row)
            parts[a][index] += output @ beta / len(row)
            for share, (b, other) in zip(alpha, row.items(), strict=True):
                term = share * (value @ other) + (h if a == b else 0)
                parts[b][index] += output @ ((term - term.mean()) / np.sqrt(token.var() + 1e-5) * gamma) / len(row)
                usage[index, names.index(b)] += share / len(row)
    check(fusion, chosen, Expected(parts, usage))
    np.testing.assert_allclose(array(fusion(chosen.vectors, chosen.masks)), whole, rtol=1e-5, atol=1e-5)
