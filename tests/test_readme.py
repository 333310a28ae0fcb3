"""The README's code runs and its tables are complete."""

import re
from pathlib import Path

import pytest

from encoders import list_encoders
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.encoding import encode_items
from gnnrec.data.readers import list_formats
from gnnrec.models import list_models

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")


def test_self_contained_python_block_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 3
    scope: dict[str, object] = {}
    exec(compile(blocks[2], "README.md", "exec"), scope)
    assert scope["user"].shape == (400, 32)  # type: ignore[attr-defined]
    assert float(scope["loss"]) < 0.69  # type: ignore[arg-type]


def test_block_after_the_demo_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_demo_catalog("gnnrec-demo/catalog", num_users=40, num_items=80)
    encode_items("gnnrec-demo/catalog", "colour-histogram")
    block = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)[0]
    exec(compile(block.replace("batch_size=512", "max_epochs=2"), "README.md", "exec"), {})


def test_every_encoder_is_named() -> None:
    assert not [name for name in list_encoders() if f"`{name}`" not in README]


def test_every_model_and_format_is_named() -> None:
    assert not [name for name in list_models() if f"`{name}`" not in README]
    rows = {line.split("|")[1].strip().strip("`") for line in README.splitlines() if line.startswith("| ")}
    assert set(list_formats()) <= rows


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (Path(__file__).resolve().parents[1] / target).exists(), target
