"""Run folders read for comparison, the seeds of one model together."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnnrec.errors import DataError, RunError, UnknownNameError
from gnnrec.evaluation.metrics import METRICS
from gnnrec.evaluation.options import EvalOptions

__all__ = ["RunGroup", "read_run_groups", "shared_list_lengths"]

PER_USER_FILE = "metrics_per_user.parquet"
_KEYS = ("user_id", "part")
_NOT_SETTINGS = ("seed", "device")
"""Options in which runs of the same model may differ."""

_NOT_PROTOCOL = ("ks", "beyond_accuracy")
"""Evaluation settings that choose what is reported, not what it means."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class RunGroup:
    """Runs that differ by seed only.

    Args:
        name: The model's name, with the settings that set it apart where another group has the same model.
        folders: Run folders.
        seeds: Their seeds.
        values: One metric by run and user. Shape: (S, U).
    """

    name: str
    folders: tuple[Path, ...]
    seeds: tuple[int, ...]
    values: npt.NDArray[np.float64]

    @property
    def user_values(self) -> npt.NDArray[np.float64]:
        """Mean over seeds of each user. Shape: (U,)."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def mean(self) -> float:
        """Mean over users and seeds."""
        return float(self.values.mean())

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds of the mean over users; None with one seed."""
        return float(self.values.mean(axis=1).std(ddof=1)) if len(self.seeds) > 1 else None


def read_run_groups(folders: Sequence[Path], metric: str, part: str = "test") -> list[RunGroup]:
    """Read one metric of each user from run folders that share data and users.

    Users without a finite value in some run, such as the diversity of a list of one, are left out of all.

    Args:
        folders: Run folders.
        metric: Column of the per-user file, such as ``"recall@20"``.
        part: ``"valid"`` or ``"test"``.

    Returns:
        Groups in the order of their first run.

    Raises:
        RunError: If a file is missing or unreadable, or runs differ in users or in how they were evaluated,
            or are the same seed twice.
        DataError: If runs were made on different data.
        UnknownNameError: If a run has no such metric or part.
    """
    records = [_read_record(folder) for folder in folders]
    _check_same_data(folders, records)
    _check_same_protocol(folders, records)
    _check_metric(folders, metric)
    tables = [_read_values(folder, metric, part) for folder in folders]
    _check_same_users(folders, [users for users, _ in tables], part)
    values = np.stack([column for _, column in tables])  # (runs, U)
    values = values[:, np.isfinite(values).all(axis=0)]
    if not values.shape[1]:
        raise RunError(f"no user has a finite '{metric}' on part '{part}' in every run")
    members = _members(records)
    names = _group_names([records[indices[0]] for indices in members])
    for indices in members:
        _check_seeds([folders[index] for index in indices], [records[index]["seed"] for index in indices])
    return [
        RunGroup(
            name=name,
            folders=tuple(folders[index] for index in indices),
            seeds=tuple(records[index]["seed"] for index in indices),
            values=values[indices],
        )
        for name, indices in zip(names, members, strict=True)
    ]


def _read_record(folder: Path) -> dict[str, Any]:
    """``run.json`` of a finished run."""
    from gnnrec.training.run_folder import RunFolder  # training imports evaluation

    run = RunFolder(folder)
    record = run.describe_finished()
    run.require_measurable(record)
    if isinstance(record.get("seed"), bool) or not isinstance(record.get("seed"), int):
        raise RunError(f"{folder / 'run.json'}: 'seed' must be an integer (got {record.get('seed')!r})")
    return record


def _settings(record: Mapping[str, Any]) -> dict[str, Any]:
    """Model, arguments, options and names of features: what seeds of one model have in common."""
    from gnnrec.training.options import TrainOptions  # training imports evaluation

    # An option that an older version did not have is at its default.
    options = {**asdict(TrainOptions()), **(record.get("options") or {})}
    settings = {**options, **(record["model"].get("arguments") or {})}
    encoders = record.get("encoders") or {}
    settings["features"] = "+".join([*(record.get("features") or ()), *encoders.get("features", ())]) or "none"
    if encoders:
        settings["encoder_training"] = encoders["training"]
        settings |= {f"encoder {name}": value for name, value in encoders["options"].items()}
        hashes = [described["weights_hash"] for described in encoders["features"].values()]
        # Random weights differ from seed to seed; weights of files are what runs are compared by.
        files = [one.get("weights") for one in encoders["encoding"].get("encoders", ())]
        settings["weights"] = "+".join(hashes) if any(files) else "random"
    settings["model"] = record["model"]["name"]
    return {key: value for key, value in settings.items() if key not in _NOT_SETTINGS}


def _members(records: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """Places of the runs of each group."""
    groups: list[tuple[dict[str, Any], list[int]]] = []
    for index, record in enumerate(records):
        settings = _settings(record)
        for known, indices in groups:
            if known == settings:
                indices.append(index)
                break
        else:
            groups.append((settings, [index]))
    return [indices for _, indices in groups]


def _group_names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The model's name, followed by the settings in which groups of that model differ."""
    all_settings = [_settings(record) for record in records]
    names = []
    for own in all_settings:
        same_model = [settings for settings in all_settings if settings["model"] == own["model"]]
        differing = [
            key
            for key in sorted({key for settings in same_model for key in settings})
            if any(settings.get(key, "default") != own.get(key, "default") for settings in same_model)
        ]
        shown = ", ".join(f"{key}={own.get(key, 'default')}" for key in differing)
        names.append(f"{own['model']} ({shown})" if shown else own["model"])
    return names


def _check_same_data(folders: Sequence[Path], records: Sequence[Mapping[str, Any]]) -> None:
    from gnnrec.training.run_description import fingerprints  # training imports evaluation

    if not set.intersection(*map(fingerprints, records)):
        shown = [
            f"{folder} on {record['data'].get('path', 'data')} (fingerprint {record['data']['fingerprint']})"
            for folder, record in zip(folders, records, strict=True)
        ]
        raise DataError(f"runs must be made on the same data to be compared; got {', '.join(shown)}")


def _check_same_protocol(folders: Sequence[Path], records: Sequence[Mapping[str, Any]]) -> None:
    """Refuse figures that mean different things: lists with and without validation items, for instance."""
    first = _protocol(records[0])
    for folder, record in zip(folders[1:], records[1:], strict=True):
        other = _protocol(record)
        for key in sorted((first.keys() | other.keys()) - set(_NOT_PROTOCOL)):
            if first.get(key) != other.get(key):
                ours, theirs = f"{first.get(key)!r} in {folders[0]}", f"{other.get(key)!r} in {folder}"
                raise RunError(f"runs must be evaluated alike to be compared; '{key}' is {ours} and {theirs}")


def _protocol(record: Mapping[str, Any]) -> dict[str, Any]:
    """How a run was evaluated; a setting that an older version did not have is at its default."""
    return {**asdict(EvalOptions()), **(record.get("evaluation") or {})}


def shared_list_lengths(folders: Sequence[Path]) -> list[int]:
    """List lengths that all runs were evaluated at; the usual ones where they share none.

    Raises:
        RunError: If a folder is no run.
    """
    lengths = [set(_protocol(_read_record(folder))["ks"]) for folder in folders]
    return sorted(set.intersection(*lengths)) or list(EvalOptions().ks)


def _check_metric(folders: Sequence[Path], metric: str) -> None:
    """Refuse a metric that a run lacks, naming those that all have."""
    from pyarrow.parquet import read_schema

    columns = []
    for folder in folders:
        path = folder / PER_USER_FILE
        if not path.is_file():
            raise RunError(f"{folder} has no {PER_USER_FILE}: it has not finished; continue it with --resume")
        columns.append(_read(folder, read_schema).names)
        lacking = [key for key in _KEYS if key not in columns[-1]]
        if lacking:
            raise RunError(f"{path}: lacks column {', '.join(lacking)}; train the run again")
    common = set(columns[0]).intersection(*columns[1:]) - set(_KEYS)
    if metric not in common:
        raise UnknownNameError("metric", metric, common)


def _read(folder: Path, reader: Callable[..., Any], **arguments: Any) -> Any:
    """The per-user file by one of pyarrow's readers."""
    from pyarrow import ArrowException

    path = folder / PER_USER_FILE
    try:
        return reader(path, **arguments)
    except (ArrowException, OSError) as error:
        raise RunError(f"{path}: cannot be read ({error}); train the run again") from error


def _read_values(folder: Path, metric: str, part: str) -> tuple[Array, npt.NDArray[np.float64]]:
    """Users, sorted, and their values in one part. Shapes: (U,), (U,)."""
    from pyarrow.parquet import read_table

    path = folder / PER_USER_FILE
    table = _read(folder, read_table, columns=[*_KEYS, metric])
    parts = np.asarray(table["part"].to_pylist(), dtype=object)
    if part not in parts:
        raise UnknownNameError(f"part in {path}", part, np.unique(parts).tolist())
    users = table["user_id"].to_numpy()[parts == part]
    order = np.argsort(users, kind="stable")
    users = users[order]
    repeated = np.flatnonzero(users[1:] == users[:-1])
    if repeated.size:
        raise RunError(f"{path}: user_id '{users[repeated[0]]}' occurs more than once on part '{part}'")
    try:
        values = table[metric].to_numpy()[parts == part][order].astype(np.float64)
    except (TypeError, ValueError) as error:
        raise RunError(f"{path}: '{metric}' must hold numbers ({error}); train the run again") from None
    if metric.partition("@")[0] in METRICS and ((values < 0) | (values > 1)).any():
        raise RunError(f"{path}: '{metric}' must lie between 0 and 1; train the run again")
    return users, values


def _check_same_users(folders: Sequence[Path], users: Sequence[Array], part: str) -> None:
    for folder, others in zip(folders[1:], users[1:], strict=True):
        if np.array_equal(users[0], others):
            continue
        problems = [f"{folders[0]} and {folder} must have the same users on part '{part}'"]
        for name, left, right in ((folders[0], users[0], others), (folder, others, users[0])):
            only = np.setdiff1d([str(one) for one in left.tolist()], [str(one) for one in right.tolist()])
            if only.size:
                shown = ", ".join(repr(user) for user in only[:5].tolist())
                problems.append(f"{only.size} are in {name} only (first: {shown})")
        raise RunError("; ".join(problems))


def _check_seeds(folders: Sequence[Path], seeds: Sequence[int]) -> None:
    """Refuse the same run twice, which would count as agreement between seeds."""
    first: dict[int, Path] = {}
    for folder, seed in zip(folders, seeds, strict=True):
        if seed in first:
            raise RunError(f"{first[seed]} and {folder} are one model with the same seed {seed}; give one of them")
        first[seed] = folder
