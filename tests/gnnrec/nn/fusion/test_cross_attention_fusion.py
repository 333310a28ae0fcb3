import numpy as np
import pytest
from fusion_cases import ROWS, Expected, array, case, check, randomise, rows, softmax

from gnnrec.nn.fusion import CrossAttentionFusion

DIM = 4


@pytest.mark.parametrize("names", [("image",), ("image", "text"), ("image", "text", "audio")])
@pytest.mark.parametrize("missing", ["nothing", "some", "first"])
@pytest.mark.parametrize("out_dim", [DIM, 3])
def test_equals_attention_with_matrices_of_each_modality(names: tuple[str, ...], missing: str, out_dim: int) -> None:
    fusion = CrossAttentionFusion(dict.fromkeys(names, DIM), out_dim)
    randomise(fusion)
    weights = {name: array(linear.weight) for name, linear in zip(names, fusion.projections, strict=True)}
    query, key, value = (
        {name: weight[part * DIM : (part + 1) * DIM] for name, weight in weights.items()} for part in range(3)
    )
    if len(names) == 1:
        value = weights
    output = np.eye(DIM) if out_dim == DIM else array(fusion.output.weight)
    chosen = case(dict.fromkeys(names, DIM), missing)
    usage = np.zeros((ROWS, len(names)))
    parts = {name: np.zeros((ROWS, out_dim)) for name in names}
    for index, row in enumerate(rows(chosen)):
        for a, h in row.items():
            if len(names) == 1:
                alpha = np.ones(1)
            else:
                scores = [float((query[a] @ h) @ (key[b] @ other)) / np.sqrt(DIM) for b, other in row.items()]
                alpha = softmax(scores)
            parts[a][index] += output @ h / len(row)
            for share, (b, other) in zip(alpha, row.items(), strict=True):
                parts[b][index] += output @ (share * (value[b] @ other)) / len(row)
                usage[index, names.index(b)] += share / len(row)
    check(fusion, chosen, Expected(parts, usage))
