"""Every notebook runs from top to bottom in a fresh kernel, and is stored without outputs."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from traitlets.config import Config

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.fixture
def jupyter_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home for Jupyter: the kernel is this environment's, whatever the user has registered."""
    with tempfile.TemporaryDirectory() as folder:  # a short path, as those of sockets have to be
        for name in ("JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            monkeypatch.setenv(name, folder)
        yield Path(folder)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.timeout(900)
def test_notebook_runs(path: Path, jupyter_home: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        resources={"metadata": {"path": str(tmp_path)}},  # what it writes stays out of the checkout
        config=Config({"KernelManager": {"transport": "ipc", "ip": str(jupyter_home / "kernel")}}),  # no ports
    )
    client.execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_not_stored(path: Path) -> None:
    """Figures of another machine would go stale, and make every run a change."""
    stored = [
        cell.id
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None)
    ]
    assert not stored, f"clear all outputs in the editor before you keep {path.name}; cells with outputs: {stored}"
