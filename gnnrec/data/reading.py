"""Reading any supported data set."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from encoders.files import require_regular
from gnnrec.data.content_catalog import stale_reason
from gnnrec.data.dataset import Dataset
from gnnrec.data.feature_file import FeatureFile, OtherItemsError, find_feature_files
from gnnrec.data.feature_names import expand_feature_names
from gnnrec.data.id_map import IdMap
from gnnrec.data.interactions import Interactions
from gnnrec.data.item_features import ItemFeatures
from gnnrec.data.k_core import filter_k_core
from gnnrec.data.readers import PARTS, RawLog, TableForm, find_reader
from gnnrec.data.readers.frame import read_frame
from gnnrec.data.splits import apply_split, check_split
from gnnrec.errors import ArgumentError, DataError, shorten

__all__ = ["assemble", "coverage_notes", "from_frame", "read_dataset"]


def read_dataset(
    path: "str | Path | pd.DataFrame",
    *,
    features: Sequence[str] | None = None,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    header: bool = True,
    delimiter: str | None = None,
    encoding: str | None = None,
    min_weight: float | None = None,
    split: str = "given",
    seed: int = 0,
    k_core: int = 0,
    feature_folder: str | Path | None = None,
) -> Dataset:
    """Read a data set, whatever its format.

    Formats, found from the path: gnnrec's own folder, MMRec, RecBole, LightGCN, MovieLens, plain tables.
    Feature files ``features/*.safetensors`` beside the log are read with every format. Where a user and an
    item meet several times in one part, the first row is kept and ``Dataset.notes`` says how many went; a
    pair in two parts stays in both (that is how the files want it) and is noted, since ranking leaves out
    what train has.

    Args:
        path: File or folder, or a table of pandas with a row an interaction.
        features: Names of the features to load; None for all, empty for none. Others are not read. The name of an
            encoder of several modalities stands for all of them.
        format: Name of the format, instead of finding it.
        columns: Column name of each role (``user``, ``item``, ``timestamp``, ``weight``, ``split``), for
            tables. Timestamps are seconds or milliseconds since the epoch, or ISO 8601 dates or date-times.
        header: Whether the first line of a table names its columns; where it does not, columns go by their numbers
            from 1.
        delimiter: What separates the columns of a text table [default: by the file's name].
        encoding: Of a text table [default: UTF-8].
        min_weight: Leave out interactions of a lower weight, such as ratings that are no likes [default: 0, so that
            negative ones do not count as likes].
        split: ``"given"`` for the parts that the files give (all in train if they give none), or a
            splitter's name; see :func:`gnnrec.data.splits.list_splits`. A splitter pools the given parts
            first.
        seed: Seed of the splitter.
        k_core: Keep only users and items with at least this many interactions among those kept; 0 keeps all.
        feature_folder: A further folder of feature files, for data that cannot be written to.

    Returns:
        The data set. Its parts keep the order of the files.

    Raises:
        DataError: If the data are wrong; all that is found is reported together, with file, row and column.
        UnknownNameError: If features, a format or a splitter have no such name.
        ArgumentError: If an argument cannot work.

    Example:
        >>> read_dataset("nowhere")
        Traceback (most recent call last):
        gnnrec.errors.DataError: nowhere: no such file or folder
    """
    if isinstance(features, str):
        raise ArgumentError(f"'features' must be a list of names (got the text '{features}')")
    if k_core < 0:
        raise ArgumentError(f"'k_core' must be an integer of at least 0 (got {k_core})")
    check_split(split)
    form = TableForm(columns or {}, header, delimiter, encoding)
    if isinstance(path, pd.DataFrame):
        log = read_frame(path, form)
    else:
        path = Path(path).expanduser()
        require_regular(path, DataError)
        log = find_reader(path, format).read(path, form)
    return assemble(log, features, split, seed, k_core, feature_folder, min_weight)


def assemble(
    log: RawLog,
    features: Sequence[str] | None,
    split: str,
    seed: int,
    k_core: int,
    feature_folder: str | Path | None,
    min_weight: float | None,
) -> Dataset:
    """The data set of a log; arguments and errors as for :func:`read_dataset`."""
    _leave_out_low(log, min_weight)
    dataset = _assemble(log, features, None if feature_folder is None else Path(feature_folder).expanduser())
    if k_core:
        dataset = filter_k_core(dataset, k_core)
    try:
        dataset = apply_split(dataset, split, seed)
    except DataError as error:
        raise DataError([f"{problem}{_column_hint(log, split)}" for problem in error.problems]) from None
    dataset.notes += [*_overlap_notes(dataset), *coverage_notes(dataset), *dataset.stale.values()]
    dataset.notes[:] = map(shorten, dataset.notes)  # ids in them may be of any length
    return dataset


def from_frame(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    items: pd.DataFrame | None,
    features: Mapping[str, pd.DataFrame],
) -> Dataset:
    """See :meth:`gnnrec.data.Dataset.from_frame`."""
    log = read_frame(frame[list(dict.fromkeys(columns.values()))], TableForm(columns), items)
    dataset = assemble(log, (), "given", 0, 0, None, None)
    return replace(dataset, features={name: _by_item(name, one, dataset.items) for name, one in features.items()})


def _by_item(name: str, frame: pd.DataFrame, items: IdMap) -> ItemFeatures:
    """Features of a frame indexed by item id, in the order of the items."""
    positions = items.positions(frame.index.to_numpy())
    known = positions >= 0
    if not known.any():
        raise DataError(f"features '{name}' must be indexed by item ids (got {frame.index[:3].tolist()})")
    if len(np.unique(positions[known])) < int(known.sum()):
        raise DataError(f"features '{name}' have an item twice")
    x = torch.zeros(len(items), frame.shape[1])
    mask = torch.zeros(len(items), dtype=torch.bool)
    place = torch.from_numpy(positions[known])
    x[place] = torch.from_numpy(np.array(frame.to_numpy(dtype=np.float32)[known]))
    mask[place] = True
    return ItemFeatures(x=x, mask=mask)


def _leave_out_low(log: RawLog, least: float | None) -> None:
    """Drop the rows of a weight below the least, by default of one below 0; users and items stay.

    Raises:
        ArgumentError: If there are no weights, though a least is asked for.
    """
    if log.weight is None:
        if least is not None:
            raise ArgumentError(
                f"'min_weight' needs weights, and {log.path} has none; name their column with --column weight=NAME"
            )
        return
    weight = log.weight.astype(np.float64)
    kept = weight >= (0.0 if least is None else least)
    if least is None and not kept.any():
        log.notes.append("all weights are below 0; every row counts as taken; see --min-weight")
        return
    if kept.all():
        return
    if not kept.any():
        raise DataError(
            f"{log.path}: no row has a weight of at least {least:g} (the greatest is {weight.max():g}); lower "
            "'min_weight' (--min-weight)"
        )
    low = "below 0, as dislikes have," if least is None else f"below {least:g}"
    keep = "; --min-weight says otherwise" if least is None else ""
    told = (note for note in log.notes if "--min-weight" in note)
    untrue = [note for note in told if least is not None or note.startswith("every row")]
    log.notes = [note for note in log.notes if note not in untrue]
    log.notes.append(f"{int((~kept).sum())} of {len(kept)} rows have a weight {low} and are left out{keep}")
    log.user, log.item, log.weight = log.user[kept], log.item[kept], log.weight[kept]
    log.part = None if log.part is None else log.part[kept]
    log.timestamp = None if log.timestamp is None else log.timestamp[kept]


def _column_hint(log: RawLog, split: str) -> str:
    """How to name the timestamp column that a split of a table lacks."""
    if log.timestamp is not None or not log.columns or check_split(split) != "global-time":
        return ""
    have = ", ".join(f"'{name}'" for name in log.columns)
    return f"; name the column with --column timestamp=NAME (columns: {have})"


def _assemble(log: RawLog, wanted: Sequence[str] | None, feature_folder: Path | None) -> Dataset:
    problems: list[str] = []
    if len(log.user) == 0 or (log.part is not None and not (log.part == 0).any()):
        problems.append(f"{log.path}: the train part has no interactions; at least one is needed")
    loaded, info, stale = _load_features(log, wanted, feature_folder, problems)
    if problems:
        raise DataError(problems)
    rows, notes = _distinct_rows(log)
    part = np.zeros(len(log.user), dtype=np.int8) if log.part is None else log.part
    train, valid, test = (_interactions(log, rows[part[rows] == number]) for number in range(len(PARTS)))
    return Dataset(
        train=train,
        valid=valid,
        test=test,
        users=log.users,
        items=log.items,
        features=loaded,
        catalog=log.catalog,
        name=log.name,
        source=str(log.path),
        split="none" if log.part is None else "given",
        notes=[*log.notes, *notes],
        feature_info=info,
        stale=stale,
    )


def _interactions(log: RawLog, rows: npt.NDArray[np.int64]) -> Interactions:
    return Interactions(
        user=torch.from_numpy(log.user[rows]),
        item=torch.from_numpy(log.item[rows]),
        num_users=len(log.users),
        num_items=len(log.items),
        timestamp=None if log.timestamp is None else torch.from_numpy(log.timestamp[rows]),
        weight=None if log.weight is None else torch.from_numpy(log.weight[rows]),
    )


def _distinct_rows(log: RawLog) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The first row of each pair in each part, in file order, and notes on what was found."""
    pair = log.user * len(log.items) + log.item
    key = pair if log.part is None else log.part.astype(np.int64) * (len(log.users) * len(log.items)) + pair
    order = np.argsort(key, kind="stable")
    is_repeated = np.concatenate([[False], key[order][1:] == key[order][:-1]])
    rows = np.sort(order[~is_repeated]) if is_repeated.any() else np.arange(len(key))
    if not is_repeated.any():
        return rows, []
    first = int(order[is_repeated].min())
    return rows, [
        f"{int(is_repeated.sum())} repeated user-item pairs dropped, the first row of each kept "
        f"(first: user {log.users.ids([log.user[first]])[0]}, item {log.items.ids([log.item[first]])[0]})"
    ]


def _load_features(
    log: RawLog, wanted: Sequence[str] | None, feature_folder: Path | None, problems: list[str]
) -> tuple[dict[str, ItemFeatures], dict[str, dict[str, str]], dict[str, str]]:
    """Features, headers and reasons why features are stale, by name."""
    folder = log.path if log.path.is_dir() else log.path.parent
    found = find_feature_files(folder / "features")
    if feature_folder is not None:
        if not feature_folder.is_dir():
            raise ArgumentError(f"'feature_folder' must be a folder (got {feature_folder})")
        found += find_feature_files(feature_folder)
    files: dict[str, FeatureFile] = {}
    for file in [*log.features, *found]:
        if file.name in files:
            problems.append(
                f"{file.path}: features '{file.name}' are in {files[file.name].path} too; names must differ: "
                "remove one of the files"
            )
        files[file.name] = file
    loaded, info, stale = {}, {}, {}
    for name in files if wanted is None else expand_feature_names(wanted, list(files)):
        try:
            loaded[name], info[name] = files[name].load(log.items)
        except OtherItemsError as error:
            if wanted is None:
                stale[name] = str(error)  # whoever does not use these features can go on
            else:
                problems += error.problems
            continue
        except DataError as error:
            problems += error.problems
            continue
        log.notes += files[name].notes()
        reason = stale_reason(files[name].path, info[name], folder, log.items, log.catalog)
        if reason is not None:
            stale[name] = reason
    return loaded, {name: header for name, header in info.items() if header}, stale


def _overlap_notes(dataset: Dataset) -> list[str]:
    notes = []
    for (one, left), (other, right) in itertools.combinations(dataset.parts().items(), 2):
        shared = left.select(torch.isin(left.keys(), right.keys()))
        if len(shared):
            user, item = (
                dataset.users.ids([int(shared.user[0])])[0],
                dataset.items.ids([int(shared.item[0])])[0],
            )
            notes.append(
                f"{len(shared)} user-item pairs are in both {one} and {other} "
                f"(first: user {user}, item {item}); ranking leaves out what train has"
            )
    return notes


def coverage_notes(dataset: Dataset) -> list[str]:
    """Which features lack items."""
    return [
        f"features '{name}' cover {int(values.mask.sum())} of {values.num_items} items ({values.coverage:.1%})"
        for name, values in dataset.features.items()
        if not bool(values.mask.all())
    ]
