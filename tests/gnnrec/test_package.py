import subprocess
import sys
from pathlib import Path


def run(script: str, *, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=cwd)


def test_models_need_nothing_but_torch_and_torch_geometric() -> None:
    result = run(
        "import sys, torch, torch_geometric\n"
        "before = {name.partition('.')[0] for name in sys.modules}\n"
        "import gnnrec.models\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - before))"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "['gnnrec', 'graphs']"


def test_somebody_elses_graphs_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "graphs").mkdir()
    (tmp_path / "graphs" / "__init__.py").touch()
    result = run(f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import gnnrec")
    assert result.returncode == 1
    assert "gnnrec needs its own package 'graphs'" in result.stderr
    assert str(tmp_path / "graphs" / "__init__.py") in result.stderr


def test_top_level_names_load_on_use() -> None:
    result = run(
        "import sys, gnnrec\n"
        "assert 'torch' not in sys.modules\n"
        "assert gnnrec.load.__name__ == 'load' and gnnrec.read_dataset.__name__ == 'read_dataset'\n"
        "try: gnnrec.lod\n"
        "except AttributeError as error: print(error)"
    )
    assert result.stdout.strip() == "module 'gnnrec' has no attribute 'lod'", result.stderr


def test_names_that_load_on_use_are_listed_and_there() -> None:
    result = run(
        "import gnnrec\n"
        "assert {'load', 'read_dataset'} <= set(dir(gnnrec))\n"
        "import gnnrec.data, gnnrec.training\n"
        "for module in (gnnrec.data, gnnrec.training):\n"
        "    assert set(module.__all__) <= set(dir(module))\n"
        "    assert all(getattr(module, name).__name__ == name for name in module.__all__)\n"
        "try: gnnrec.training.EndtoEnd\n"
        "except AttributeError as error: print(error)"
    )
    assert result.stdout.strip() == "module 'gnnrec.training' has no attribute 'EndtoEnd'", result.stderr
