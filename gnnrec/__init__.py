"""gnnrec: from raw item content and an interaction log to recommendations."""

import importlib.util
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gnnrec.data import read_dataset
    from gnnrec.serving import load

__all__ = ["load", "read_dataset"]

try:
    __version__ = version("gnnrec")
except PackageNotFoundError:  # used from a checkout without installation
    __version__ = "0+unknown"


def _check_sibling_packages() -> None:
    """Refuse to run with somebody else's ``graphs`` or ``encoders``, which are common names."""
    home = Path(__file__).resolve().parent.parent
    for name in ("graphs", "encoders"):
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if found != home / name / "__init__.py":
            raise ImportError(
                f"gnnrec needs its own package '{name}' from {home / name}, but Python finds "
                f"{found or 'no such package'}; rename that one or put gnnrec's folder first on the path"
            )


_check_sibling_packages()


def __getattr__(name: str) -> Any:
    # torch and pandas load when they are used, so that the command line answers at once.
    if name == "load":
        from gnnrec.serving import load

        return load
    if name == "read_dataset":
        from gnnrec.data import read_dataset

        return read_dataset
    raise AttributeError(f"module 'gnnrec' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
