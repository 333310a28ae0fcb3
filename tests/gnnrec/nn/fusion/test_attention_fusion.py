import numpy as np
import pytest
from fusion_cases import ROWS, Expected, array, case, check, randomise, rows, softmax

from gnnrec.nn.fusion import AttentionFusion


@pytest.mark.parametrize("names", [("image",), ("image", "text"), ("image", "text", "audio")])
@pytest.mark.parametrize("missing", ["nothing", "some", "first"])
def test_equals_the_equation_of_micro(names: tuple[str, ...], missing: str) -> None:
    in_dims = dict.fromkeys(names, 4)
    fusion = AttentionFusion(in_dims, 4)
    randomise(fusion)
    chosen = case(in_dims, missing)
    usage = np.zeros((ROWS, len(names)))
    parts = {name: np.zeros((ROWS, 4)) for name in names}
    for index, row in enumerate(rows(chosen)):
        if len(names) == 1:
            alpha = np.ones(len(row))
        else:
            assert fusion.linear is not None and fusion.query is not None
            weight, bias = array(fusion.linear.weight), array(fusion.linear.bias)
            alpha = softmax([float(array(fusion.query)[0] @ np.tanh(weight @ h + bias)) for h in row.values()])
        for share, (name, h) in zip(alpha, row.items(), strict=True):
            usage[index, names.index(name)] = share
            parts[name][index] = share * h
    check(fusion, chosen, Expected(parts, usage))
    if missing == "nothing" and len(names) > 1:
        assert usage.std() > 0.05, "equal weights would not tell attention from a mean"
