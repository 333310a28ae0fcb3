import importlib
import importlib.metadata
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
import typer
from typer.testing import CliRunner

from gnnrec.cli import doctor as module
from gnnrec.cli.doctor import doctor

app = typer.Typer()
app.command()(doctor)
real_import = importlib.import_module
real_version = importlib.metadata.version


def examine() -> tuple[int, dict[str, Any], dict[str, dict[str, Any]]]:
    result = CliRunner().invoke(app, ["--json"])
    record = json.loads(result.stdout)
    return result.exit_code, record, {package["name"]: package for package in record["packages"]}


@pytest.fixture(autouse=True)
def only_core(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few optional packages, so that the tests do not spend their time on importing them."""
    few = {name: module._OPTIONAL[name] for name in ("torch_scatter", "soundfile", "faiss")}
    monkeypatch.setattr(module, "_OPTIONAL", few)


def break_import(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception) -> None:
    def fail(wanted: str, package: str | None = None) -> Any:
        if wanted == name:
            raise error
        return real_import(wanted, package)

    monkeypatch.setattr(importlib, "import_module", fail)


def set_versions(monkeypatch: pytest.MonkeyPatch, versions: dict[str, str | None]) -> None:
    def version(distribution: str) -> str:
        found = versions.get(distribution, "unset")
        if found is None:
            raise importlib.metadata.PackageNotFoundError(distribution)
        return real_version(distribution) if found == "unset" else found

    monkeypatch.setattr(importlib.metadata, "version", version)


def test_healthy_installation() -> None:
    code, record, packages = examine()
    assert code == 0
    assert record["healthy"] is True
    assert record["python"] == ".".join(map(str, sys.version_info[:3]))
    assert packages["torch"] == {
        "name": "torch",
        "version": real_version("torch"),
        "state": "ok",
        "core": True,
        "note": "",
    }
    root = Path(module.__file__).parents[2]
    assert record["siblings"]["graphs"] == {"path": str(root / "graphs"), "own": True}


def test_core_is_what_setup_declares() -> None:
    requirements = importlib.metadata.requires("gnnrec") or []
    core = {line.split(">")[0].replace("-", "_") for line in requirements if "extra ==" not in line}
    assert set(module._CORE) == core


def test_missing_optional_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements = [
        "torch>=2.9",
        'soundfile>=0.12; extra == "dev"',
        'soundfile>=0.12; extra == "encoders"',
        'torch-scatter>=2.1; python_version > "3" and extra == "scatter"',
    ]
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: requirements)
    nothing = dict.fromkeys(
        ("soundfile", "torch_scatter", "faiss-cpu", "faiss-gpu", "faiss-gpu-cu11", "faiss-gpu-cu12")
    )
    set_versions(monkeypatch, nothing)
    code, record, packages = examine()
    assert (code, record["healthy"]) == (0, True)
    assert packages["soundfile"]["state"] == "missing"
    assert packages["soundfile"]["note"] == "pip install 'gnnrec[encoders]'"
    assert packages["torch_scatter"]["note"] == "pip install 'gnnrec[scatter]'"
    assert packages["faiss-cpu"]["note"] == "pip install faiss-cpu"  # no extra of these brings it


def test_another_distribution_of_the_same_module(monkeypatch: pytest.MonkeyPatch) -> None:
    set_versions(monkeypatch, {"faiss-cpu": None, "faiss-gpu": "1.7"})
    monkeypatch.setitem(sys.modules, "faiss", type(sys)("faiss"))
    packages = examine()[2]
    assert packages["faiss-gpu"]["state"] == "ok"
    assert "faiss-cpu" not in packages


def test_broken_optional_package_shows_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    set_versions(monkeypatch, {"torch_scatter": "2.1.2"})
    break_import(monkeypatch, "torch_scatter", OSError("undefined symbol: _ZN3c10\nmore lines"))
    code, record, packages = examine()
    assert (code, record["healthy"]) == (0, True)
    assert packages["torch_scatter"]["state"] == "broken"
    assert packages["torch_scatter"]["note"] == "OSError: undefined symbol: _ZN3c10"
    printed = CliRunner().invoke(app, [], env={"COLUMNS": "200"}).stdout
    assert "broken: OSError: undefined symbol: _ZN3c10" in printed


@pytest.mark.parametrize("how", ["broken", "missing"])
def test_core_package_that_does_not_work_fails(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "broken":
        break_import(monkeypatch, "torch", ImportError(""))
    else:
        set_versions(monkeypatch, {"torch": None})
    code, record, packages = examine()
    assert (code, record["healthy"], record["device"]) == (1, False, None)
    assert packages["torch"]["state"] == how
    assert packages["torch"]["note"] == ("ImportError" if how == "broken" else "pip install gnnrec")
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 1
    assert "torch does not work" in result.stdout


def test_foreign_sibling_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "graphs"
    package.mkdir()
    (package / "__init__.py").touch()
    spec = importlib.util.spec_from_file_location("graphs", package / "__init__.py")
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec if name == "graphs" else real(name))
    code, record, _ = examine()
    assert (code, record["siblings"]["graphs"]["own"], record["siblings"]["encoders"]["own"]) == (
        1,
        False,
        True,
    )
    assert record["siblings"]["graphs"]["path"] == str(package)


def test_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert examine()[1]["device"] == {"cuda_build": "13.0", "type": "cpu", "threads": torch.get_num_threads()}
    assert "CUDA 13.0, which finds no GPU" in CliRunner().invoke(app, [], env={"COLUMNS": "200"}).stdout
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    properties = type("Properties", (), {"name": "Some GPU", "total_memory": 80 * 2**30})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: properties)
    assert examine()[1]["device"]["type"] == "cuda"
    printed = CliRunner().invoke(app, [], env={"COLUMNS": "200"}).stdout
    assert "cuda, Some GPU with 80 GiB (torch for CUDA 13.0)" in printed


def test_import_is_cheap() -> None:
    heavy = ("torch", "numpy", "rich.table")
    code = f"import sys, gnnrec.cli.doctor; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_the_extra_to_install_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from gnnrec.cli.doctor import _Package, _print_table

    note = "pip install 'gnnrec[scatter]'"
    record = {"gnnrec": "0", "python": "3", "device": None, "siblings": {}}
    with patch("sys.stdout", new=io.StringIO()) as printed:
        _print_table(record, [_Package("torch_scatter", None, "missing", False, note)])
    assert note in printed.getvalue()
