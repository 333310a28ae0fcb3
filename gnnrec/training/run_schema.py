"""What the files of a run folder must hold; each check gives one error that names the file."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gnnrec.errors import GnnrecError, RunError
from gnnrec.evaluation.options import EvalOptions
from gnnrec.models import model_class
from gnnrec.training.options import TrainOptions

__all__ = [
    "check_checkpoint",
    "check_description",
    "check_features",
    "check_finite",
    "check_products",
    "check_shapes",
    "data_counts",
    "stored_options",
]

_LARGEST_SCORE = 1e37
"""Products of vectors stay below it, so that sums of them are finite in float32."""

_REQUIRED = {"model": "name", "data": "fingerprint"}
_OPTIONAL = ("evaluation", "options", "features", "reading")
"""Sections that older versions may not have written."""


def check_description(path: Path, content: Any) -> dict[str, Any]:
    """``run.json``: its sections, their types, and that model and settings exist.

    Args:
        path: The file, for messages.
        content: What it holds.

    Raises:
        RunError: If something is missing, of another type or unknown.
    """
    if not isinstance(content, dict):
        raise RunError(f"{path}: must hold one JSON object (got {type(content).__name__}); train the run again")
    for section, name in _REQUIRED.items():
        _check_object(path, section, content.get(section))
        if not isinstance(content[section].get(name), str):
            found = content[section].get(name)
            raise RunError(f"{path}: '{section}.{name}' must be a text (got {found!r}); is it of gnnrec train?")
    model = {"arguments": {}, **content["model"]}
    content = {**{section: {} for section in _OPTIONAL}, **content, "model": model}
    for section in _OPTIONAL:
        _check_object(path, section, content[section])
    _check_object(path, "model.arguments", content["model"]["arguments"])
    if content.get("encoders") is not None:
        _check_encoders(path, content["encoders"])
    _check_model(path, content["model"])
    stored_options(path, content)
    whole: dict[str, Any] = content
    return whole


def _check_encoders(path: Path, encoders: Mapping[str, Any]) -> None:
    """What made the features of the run, as far as new items need it."""
    _check_object(path, "encoders", encoders)
    for section in ("features", "encoding"):
        _check_object(path, f"encoders.{section}", encoders.get(section))
    for name, described in encoders["features"].items():
        _check_object(path, f"encoders.features.{name}", described)
        wrong = [key for key in ("encoder", "modality", "file") if not isinstance(described.get(key), str)]
        if wrong:
            raise RunError(f"{path}: 'encoders.features.{name}.{wrong[0]}' must be a text; train the run again")
        if Path(described["file"]).is_absolute() or ".." in Path(described["file"]).parts:
            raise RunError(f"{path}: 'encoders.features.{name}.file' leaves the folder; train the run again")
    encoding = encoders["encoding"]
    sources = encoding.get("encoders", [])
    named = isinstance(sources, list) and all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in sources
    )
    texts = encoding.get("templates", {})
    if not named or not (isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())):
        raise RunError(f"{path}: 'encoders.encoding' must hold names of encoders and templates; train the run again")


def _check_model(path: Path, model: Mapping[str, Any]) -> None:
    try:
        known = inspect.signature(model_class(model["name"])).parameters
    except GnnrecError as error:
        raise RunError(f"{path}: {error}") from None
    unknown = [name for name in model["arguments"] if name not in known]
    if unknown:
        raise RunError(f"{path}: '{model['name']}' has no argument {', '.join(unknown)}")


def data_counts(path: Path, content: Mapping[str, Any]) -> tuple[int, int]:
    """Numbers of users and items of the run's data.

    Raises:
        RunError: If they are missing or no positive integers.
    """
    counts = [content["data"].get(name) for name in ("num_users", "num_items")]
    if any(isinstance(count, bool) or not isinstance(count, int) or count < 1 for count in counts):
        raise RunError(f"{path}: 'num_users' and 'num_items' must be positive integers (got {counts})")
    return counts[0], counts[1]


def _check_object(path: Path, name: str, value: Any) -> None:
    if not isinstance(value, dict):
        raise RunError(f"{path}: '{name}' must be a JSON object (got {type(value).__name__})")


def stored_options(path: Path, content: Mapping[str, Any]) -> tuple[TrainOptions, EvalOptions]:
    """How a run was trained and evaluated; what an older version did not have is at its default.

    Raises:
        RunError: If a setting is unknown or cannot be.
    """
    evaluation = dict(content["evaluation"])
    try:
        if "ks" in evaluation:
            evaluation["ks"] = tuple(evaluation["ks"])
        return TrainOptions(**content["options"]), EvalOptions(**evaluation)
    except (TypeError, ValueError) as error:
        raise RunError(f"{path}: its settings cannot be: {error}") from None


def check_shapes(path: Path, tensors: Mapping[str, Tensor], wanted: Mapping[str, Sequence[int | None]]) -> None:
    """Tensors by name: that they are there, and how large; None stands for any size.

    Raises:
        RunError: If one is missing or of another shape.
    """
    for name, shape in wanted.items():
        if name not in tensors:
            raise RunError(f"{path}: lacks '{name}'; train the run again")
        found = tuple(tensors[name].shape)
        same = len(found) == len(shape) and all(size in (None, got) for size, got in zip(shape, found, strict=True))
        if not same:
            expected = " x ".join("any" if size is None else str(size) for size in shape)
            raise RunError(f"{path}: '{name}' must have the shape {expected or 'of a number'} (got {found})")


def check_features(path: Path, tensors: Mapping[str, Tensor], rows: int) -> None:
    """Features of items: vectors and which of them there are.

    Raises:
        RunError: If they are missing, of other sizes or types, or not finite.
    """
    check_shapes(path, tensors, {"x": (rows, None), "mask": (rows,)})
    if tensors["mask"].dtype != torch.bool or not tensors["x"].is_floating_point():
        raise RunError(f"{path}: must hold float32 vectors and a mask; train the run again")
    check_finite(path, tensors)


def check_finite(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Refuse numbers that cannot be ranked or added.

    Raises:
        RunError: If a tensor is of another type than float32 or integers, or holds what is not finite.
    """
    for name, tensor in tensors.items():
        if tensor.is_floating_point():
            if tensor.dtype != torch.float32:
                raise RunError(f"{path}: '{name}' must be float32 (got {str(tensor.dtype).removeprefix('torch.')})")
            if tensor.numel() and not bool(torch.isfinite(torch.stack(torch.aminmax(tensor))).all()):
                raise RunError(f"{path}: '{name}' holds numbers that are not finite; train the run again")


def check_products(path: Path, user: Tensor, item: Tensor) -> None:
    """Refuse vectors whose products are beyond float32, and so would rank as infinite.

    Raises:
        RunError: If a score could overflow.
    """
    if user.numel() and item.numel():
        largest = float(user.abs().max()) * float(item.abs().max()) * user.shape[1]
        if largest > _LARGEST_SCORE:
            raise RunError(f"{path}: holds vectors so long that their products overflow; train the run again")


def check_checkpoint(path: Path, saved: Any) -> dict[str, Any]:
    """The state of training: what is there, of which type, and that its numbers are finite.

    Raises:
        RunError: If something is missing or cannot be.
    """
    kinds: dict[str, type | tuple[type, ...]] = {
        "identity": str,
        "model": dict,
        "optimizer": dict,
        "sampler": Tensor,
        "random": Tensor,
        "cuda_random": list,
        "epoch": int,
        "best_epoch": int,
        "best_value": (int, float),
        "best_parameters": dict,
        "history": list,
    }
    if not isinstance(saved, dict):
        raise RunError(f"{path}: is no checkpoint of gnnrec (got {type(saved).__name__}); delete it to start anew")
    wrong = [name for name, kind in kinds.items() if not isinstance(saved.get(name), kind)]
    if wrong:
        raise RunError(f"{path}: {', '.join(wrong)} missing or of another type; delete it to start anew")
    if not 0 <= saved["best_epoch"] <= saved["epoch"] or len(saved["history"]) != saved["epoch"]:
        epochs = f"{saved['epoch']} epochs, the best {saved['best_epoch']}, {len(saved['history'])} in its history"
        raise RunError(f"{path}: its epochs do not fit together ({epochs}); delete it to start anew")
    for name in ("model", "best_parameters"):
        for key, value in saved[name].items():
            if not isinstance(value, Tensor) or (value.is_floating_point() and not bool(torch.isfinite(value).all())):
                raise RunError(f"{path}: '{key}' of {name} is not finite or no tensor; delete it to start anew")
    return saved
