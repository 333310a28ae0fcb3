"""The README's code runs and its tables are complete."""

import re
from pathlib import Path

from gnnrec.data.readers import list_formats
from gnnrec.models import list_models

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def test_self_contained_python_block_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 2
    scope: dict[str, object] = {}
    exec(compile(blocks[1], "README.md", "exec"), scope)
    assert scope["user"].shape == (3, 8)  # type: ignore[attr-defined]
    assert scope["model"].embedding.grad is not None  # type: ignore[attr-defined]


def test_every_model_and_format_is_named() -> None:
    assert not [name for name in list_models() if f"`{name}`" not in README]
    rows = {line.split("|")[1].strip().strip("`") for line in README.splitlines() if line.startswith("| ")}
    assert set(list_formats()) <= rows


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (Path(__file__).resolve().parents[1] / target).exists(), target
