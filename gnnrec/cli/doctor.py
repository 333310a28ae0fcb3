"""``gnnrec doctor``: what is installed, what is missing or broken, which device is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

_CORE = (
    "torch",
    "torch_geometric",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "networkx",
    "safetensors",
    "typer",
    "rich",
    "filelock",
)
"""What gnnrec cannot do without; module and distribution have the same name."""

_OPTIONAL = {
    "torch_scatter": ("torch_scatter",),
    "pyg_lib": ("pyg_lib",),
    "open_clip": ("open_clip_torch",),
    "torchvision": ("torchvision",),
    "torchaudio": ("torchaudio",),
    "soundfile": ("soundfile",),
    "PIL": ("Pillow",),
    "av": ("av",),
    "sentence_transformers": ("sentence-transformers",),
    "optuna": ("optuna",),
    "plotly": ("plotly",),
    "matplotlib": ("matplotlib",),
    "psycopg": ("psycopg",),
    "faiss": ("faiss-cpu", "faiss-gpu", "faiss-gpu-cu11", "faiss-gpu-cu12"),
    "ray": ("ray",),
    "tensorboard": ("tensorboard",),
}
"""Modules that parts of gnnrec use and the distributions that bring them, the usual one first."""

_ELSEWHERE = {"pyg_lib": "pyg_lib, with the wheel page that PyG's installation guide names for your torch"}
"""What to give to pip for packages that its index does not have."""


@dataclass(frozen=True)
class _Package:
    name: str
    version: str | None
    state: Literal["ok", "missing", "broken"]
    core: bool
    note: str


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what is installed, what is missing or broken, and which device is used.

    The exit code is 1 if something that gnnrec cannot do without is missing or broken.
    """
    import platform

    import gnnrec

    extras = _declared_extras()
    packages = [_inspect(name, (name,), "gnnrec") for name in _CORE]
    for module, distributions in _OPTIONAL.items():
        extra = extras.get(_normalized(distributions[0]))
        to_install = f"'gnnrec[{extra}]'" if extra else _ELSEWHERE.get(module, distributions[0])
        packages.append(_inspect(module, distributions, to_install))
    healthy = all(package.state == "ok" for package in packages[: len(_CORE)])
    siblings = {name: _sibling(name) for name in ("graphs", "encoders")}
    record: dict[str, Any] = {
        "healthy": healthy and all(sibling["own"] for sibling in siblings.values()),
        "gnnrec": gnnrec.__version__,
        "python": platform.python_version(),
        "device": _device() if packages[0].state == "ok" else None,
        "siblings": siblings,
    }
    if as_json:
        import dataclasses

        from gnnrec.cli.output import print_json

        print_json({**record, "packages": [dataclasses.asdict(package) for package in packages]})
    else:
        _print_table(record, packages)
    if not record["healthy"]:
        raise typer.Exit(1)


def _declared_extras() -> dict[str, str]:
    """Extra of gnnrec that brings each optional distribution, by its name in lower case with dashes."""
    import re
    from importlib.metadata import PackageNotFoundError, requires

    try:
        requirements = requires("gnnrec") or []
    except PackageNotFoundError:  # used from a checkout without installation
        return {}
    extras: dict[str, str] = {}
    for requirement in requirements:
        found = re.match(r"""([\w.-]+).*extra\s*==\s*["']([\w-]+)["']""", requirement)
        if found and found[2] != "dev":
            extras.setdefault(_normalized(found[1]), found[2])
    return extras


def _normalized(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def _inspect(module: str, distributions: tuple[str, ...], to_install: str) -> _Package:
    """Version of the first distribution that is there, and whether its module can be imported."""
    from importlib.metadata import PackageNotFoundError, version

    core = module in _CORE
    for distribution in distributions:
        try:
            found = version(distribution)
        except PackageNotFoundError:
            continue
        reason = _import_problem(module)
        return _Package(distribution, found, "broken" if reason else "ok", core, reason or "")
    return _Package(distributions[0], None, "missing", core, f"pip install {to_install}")


def _import_problem(module: str) -> str | None:
    """Why a module cannot be imported, in one line."""
    import importlib
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:  # compiled packages fail with OSError, RuntimeError and others
        lines = str(error).strip().splitlines()
        return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return None


def _sibling(name: str) -> dict[str, Any]:
    """Where a package that belongs to gnnrec was found, and whether it is gnnrec's own."""
    from importlib.util import find_spec
    from pathlib import Path

    import gnnrec

    spec = find_spec(name)
    found = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
    home = Path(gnnrec.__file__).resolve().parent.parent
    return {"path": None if found is None else str(found), "own": found == home / name}


def _device() -> dict[str, Any]:
    """The device that ``auto`` picks."""
    import torch

    record: dict[str, Any] = {"cuda_build": torch.version.cuda}
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return record | {"type": "cuda", "name": properties.name, "memory_bytes": properties.total_memory}
    return record | {"type": "cpu", "threads": torch.get_num_threads()}


def _print_table(record: dict[str, Any], packages: list[_Package]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    console.print(f"gnnrec {record['gnnrec']}, Python {record['python']}")
    console.print(f"device: {_device_line(record['device'])}")
    for name, sibling in record["siblings"].items():
        found = sibling["path"] or "not found"
        origin = "gnnrec's own" if sibling["own"] else f"[red]not gnnrec's own[/red]: {found}"
        console.print(f"{name}: {origin}")
    table = Table()
    for header in ("package", "version", "state"):
        table.add_column(header, overflow="fold")
    for package in packages:
        colour = {"ok": "green", "broken": "red", "missing": "red" if package.core else "yellow"}[package.state]
        state = f"[{colour}]{package.state}[/{colour}]" + (f": {escape(package.note)}" if package.note else "")
        table.add_row(package.name, package.version or "-", state)
    console.print(table)


def _device_line(device: dict[str, Any] | None) -> str:
    if device is None:
        return "none, as torch does not work"
    if device["type"] == "cuda":
        name, memory = device["name"], device["memory_bytes"] / 2**30
        return f"cuda, {name} with {memory:.0f} GiB (torch for CUDA {device['cuda_build']})"
    build = f"for CUDA {device['cuda_build']}, which finds no GPU" if device["cuda_build"] else "without CUDA"
    return f"cpu with {device['threads']} threads (torch {build})"
