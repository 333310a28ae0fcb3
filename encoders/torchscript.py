"""The tensors of a TorchScript archive, read without running anything of it.

``torch.jit.load`` compiles and runs code of the archive, such as ``__setstate__``. Here only ``data.pkl`` is read, by
an unpickler that knows tensors, ordered dicts and plain values, and the bytes of the tensors beside it.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from encoders.errors import WeightsError

__all__ = ["OPENAI_SIZES", "is_torchscript", "read_torchscript"]

OPENAI_SIZES = ("input_resolution", "context_length", "vocab_size")
"""Sizes that OpenAI's archives of CLIP carry as tensors beside the weights."""

_LARGEST_PICKLE = 2**26
_TYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


def is_torchscript(path: Path) -> bool:
    """Whether it is an archive of a scripted module, as OpenAI published CLIP."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def read_torchscript(path: Path) -> dict[str, Tensor]:
    """Parameters, buffers and other tensors of the module by their names, on the CPU.

    Args:
        path: An archive that :func:`is_torchscript` knows.

    Raises:
        WeightsError: If it is damaged, or holds anything else than modules, tensors and plain values.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            module = _read_module(archive)
    except (_Refused, OSError, zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise WeightsError(f"{path}: cannot be read as a file of weights: {error}") from None
    # Bytes that are no pickle lead its reader to errors of many kinds.
    except (
        AttributeError,
        EOFError,
        IndexError,
        KeyError,
        TypeError,
        ValueError,
        RecursionError,
        MemoryError,
    ) as error:
        raise WeightsError(f"{path}: cannot be read as a file of weights: it is damaged ({error})") from None
    tensors: dict[str, Tensor] = {}
    _collect(module, "", tensors)
    return tensors


class _Refused(Exception):
    """The archive holds what is not read."""


class _Module:
    """A module of the archive: its attributes, and nothing that runs."""

    def __setstate__(self, state: Any) -> None:
        # A module with a state of its own form would need its code to say which tensor is which.
        if not isinstance(state, dict):
            raise _Refused("a module in it has a state that only its own code can read")
        self.__dict__.update({str(name): value for name, value in state.items()})


@dataclass(frozen=True)
class _Storage:
    """Numbers of one type, as they lie in the archive."""

    values: Tensor


def _read_module(archive: zipfile.ZipFile) -> _Module:
    roots = [name.removesuffix("data.pkl") for name in archive.namelist() if name.count("/") == 1]
    root = next((name for name in roots if f"{name}data.pkl" in archive.namelist()), None)
    if root is None:
        raise _Refused("it has no data.pkl")
    order = f"{root}byteorder"
    if order in archive.namelist() and archive.read(order).strip() != b"little":
        raise _Refused("its numbers are not in little-endian order")
    if archive.getinfo(f"{root}data.pkl").file_size > _LARGEST_PICKLE:
        raise _Refused(f"its data.pkl is larger than {_LARGEST_PICKLE // 2**20} MiB")
    with archive.open(f"{root}data.pkl") as file:
        module = _Unpickler(file, archive, root).load()
    if not isinstance(module, _Module):
        raise _Refused(f"it must hold a module (got {type(module).__name__})")
    return module


class _Unpickler(pickle.Unpickler):
    """Knows the names that TorchScript writes, and finds no others."""

    def __init__(self, file: IO[bytes], archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(file)
        self._archive = archive
        self._root = root
        self._storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """What a name of the archive stands for."""
        if module.split(".")[0] == "__torch__":
            return _Module
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        known = _FUNCTIONS.get(f"{module}.{name}")
        if known is None:
            raise _Refused(f"it names {module}.{name}, which is not a module, a tensor or a plain value")
        return known

    def persistent_load(self, pid: Any) -> _Storage:
        """The numbers behind a tensor, read once."""
        if not isinstance(pid, tuple) or len(pid) != 5 or pid[0] != "storage" or not isinstance(pid[1], torch.dtype):
            raise _Refused("a tensor in it names no storage")
        _, dtype, key, _, count = pid
        if not isinstance(key, str) or not isinstance(count, int):
            raise _Refused("a tensor in it names no storage")
        if key not in self._storages:
            self._storages[key] = self._read_storage(dtype, key, count)
        found = self._storages[key]
        if found.values.dtype != dtype or found.values.numel() != count:
            raise _Refused(f"storage {key} is of two types or sizes")
        return found

    def _read_storage(self, dtype: torch.dtype, key: str, count: int) -> _Storage:
        info = self._archive.getinfo(f"{self._root}data/{key}")
        if info.compress_type != zipfile.ZIP_STORED:
            raise _Refused(f"storage {key} is compressed")
        if info.file_size != count * dtype.itemsize:
            raise _Refused(f"storage {key} must have {count * dtype.itemsize} bytes (got {info.file_size})")
        if not count:
            return _Storage(torch.empty(0, dtype=dtype))
        return _Storage(torch.frombuffer(bytearray(self._archive.read(info)), dtype=dtype))


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> Tensor:
    """A tensor of a part of a storage, which must hold all of it."""
    numbers = (offset, *size, *stride)
    if not isinstance(storage, _Storage) or len(size) != len(stride):
        raise _Refused("a tensor in it names no storage")
    if any(isinstance(number, bool) or not isinstance(number, int) or number < 0 for number in numbers):
        raise _Refused("a tensor in it has a size that cannot be")
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if math.prod(size) and last >= storage.values.numel():
        raise _Refused("a tensor in it is larger than its storage")
    return torch.as_strided(storage.values, tuple(size), tuple(stride), offset)


def _plain(value: Any, *_: Any) -> Any:
    return value


def _plain_list(value: Sequence[Any], *_: Any) -> list[Any]:
    return list(value)


_FUNCTIONS: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor": _tensor,
    "torch.jit._pickle.restore_type_tag": _plain,
    **{f"torch.jit._pickle.build_{kind}list": _plain_list for kind in ("int", "tensor", "double", "bool")},
}


def _collect(module: _Module, prefix: str, tensors: dict[str, Tensor], within: tuple[_Module, ...] = ()) -> None:
    """Tensors of a module and of those in it."""
    if module in within:
        raise WeightsError(f"a module of the archive is in itself, at '{prefix}'")
    for name, value in vars(module).items():
        if isinstance(value, Tensor):
            tensors[f"{prefix}{name}"] = value
        elif isinstance(value, _Module):
            _collect(value, f"{prefix}{name}.", tensors, (*within, module))
