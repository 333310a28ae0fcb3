"""State dicts from files, and networks with seeded random weights."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from encoders.errors import EncoderError, RandomWeightsWarning, WeightsError
from encoders.files import require_regular
from encoders.store.tensor_file import read_tensor_file

__all__ = ["check_fit", "headless", "read_state_dict", "seeded", "warn_random"]

_COUNTS = ".num_batches_tracked"
_Module = TypeVar("_Module", bound=nn.Module)


def read_state_dict(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name in a file, and its header.

    Never runs code of the file.

    Args:
        path: A state dict written by ``torch.save``, or ``.safetensors``, which alone has a header.

    Raises:
        WeightsError: If it is missing, damaged or holds something else.
    """
    path = Path(path)
    require_regular(path, WeightsError)
    if not path.is_file():
        raise WeightsError(f"{path}: there is no such file")
    if path.suffix == ".safetensors":
        try:
            return read_tensor_file(path)
        except EncoderError as error:
            raise WeightsError(str(error)) from None
    loaded: Any
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    # Whatever the bytes are, torch's reader of pickles raises nearly anything, and advises to trust the file.
    except Exception:
        raise WeightsError(
            f"{path}: cannot be read as a file of weights; it must be a state dict of tensors, written by torch.save"
        ) from None
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise WeightsError(f"{path}: must hold a state dict, tensors by name (got {type(loaded).__name__})")
    return dict(loaded), {}


def check_fit(path: Path, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Compare the names and shapes of a file with those of a network.

    Counts of batches may be missing: files from before PyTorch 0.4.1, some of torchvision's among them, have none, and
    nothing reads them but training.

    Raises:
        WeightsError: If they differ; all differences are listed.
    """
    lines = [
        f"  - missing: {name} {tuple(wanted[name].shape)}"
        for name in wanted
        if name not in given and not name.endswith(_COUNTS)
    ]
    lines += [f"  - unexpected: {name} {tuple(given[name].shape)}" for name in given if name not in wanted]
    lines += [
        f"  - wrong shape: {name} must be {tuple(tensor.shape)} (got {tuple(given[name].shape)})"
        for name, tensor in wanted.items()
        if name in given and given[name].shape != tensor.shape
    ]
    if lines:
        raise WeightsError(f"{path}: does not fit the network; {len(lines)} names differ:\n" + "\n".join(lines))


def seeded(build: Callable[[], _Module], seed: int) -> _Module:
    """Build a network with the random weights of a seed, leaving the global random state as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed CUDA too
        return build()


def headless(build: Callable[[], nn.Module], *, name: str, weights: str | Path | None, seed: int) -> nn.Module:
    """A classifier of torchvision without its last layer, ``fc``.

    Args:
        build: Makes the whole network.
        name: Of the encoder, for the warning.
        weights: A file of the whole network [default: random, with a warning].
        seed: Of random weights.

    Raises:
        WeightsError: If the file does not fit.
    """
    network = seeded(build, seed)
    if weights is None:
        warn_random(name, seed)
    else:
        state, _ = read_state_dict(weights)
        check_fit(Path(weights), network.state_dict(), state)
        network.load_state_dict(state)
    network.fc = nn.Identity()
    return network


def warn_random(name: str, seed: int) -> None:
    """Say that an encoder has no trained weights."""
    warnings.warn(
        f"'{name}' got no weights: its features are random projections of the content (seed {seed}); pass weights=FILE",
        RandomWeightsWarning,
        stacklevel=3,
    )
