import numpy as np
import pytest
from fusion_cases import Expected, case, check, rows

from gnnrec.nn.fusion import MeanFusion


@pytest.mark.parametrize("names", [("image",), ("image", "text"), ("image", "text", "audio")])
@pytest.mark.parametrize("missing", ["nothing", "some", "first"])
def test_equals_the_mean_of_what_a_row_has(names: tuple[str, ...], missing: str) -> None:
    in_dims = dict.fromkeys(names, 4)
    chosen = case(in_dims, missing)
    usage = np.array([[(name in row) / max(len(row), 1) for name in names] for row in rows(chosen)])
    parts = {name: np.array([row.get(name, np.zeros(4)) / max(len(row), 1) for row in rows(chosen)]) for name in names}
    check(MeanFusion(in_dims, 4), chosen, Expected(parts, usage))
