"""LightGCN's text form: a line a user, first the user, then the items, all of them positions."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gnnrec.data.readers.base import PARTS, RawLog, Reader, TableForm, position_map, refuse_form
from gnnrec.data.readers.text_files import is_present, read_text
from gnnrec.errors import DataError

__all__ = ["READER"]

_NAME = "lightgcn"
_ZERO, _NINE, _NEWLINE = ord("0"), ord("9"), ord("\n")
_SPACES = np.frombuffer(b" \t\n", dtype=np.uint8)
_LONGEST = 18  # digits that always fit int64
_SHOWN, _MOST = 5, 1_000


def _detect(path: Path) -> bool:
    return (path / "train.txt").is_file() if path.is_dir() else path.name == "train.txt"


def _read(path: Path, form: TableForm) -> RawLog:
    """Read ``train.txt`` and ``valid.txt`` and ``test.txt`` if any; users without items count as users."""
    refuse_form(form, _NAME, ("encoding",))
    folder = path if path.is_dir() else path.parent
    files = {number: folder / f"{part}.txt" for number, part in enumerate(PARTS) if is_present(folder / f"{part}.txt")}
    if 0 not in files:
        raise DataError(f"{folder / 'train.txt'}: no such file")
    tables: dict[int, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]] = {}
    problems = []
    for number, file in files.items():
        try:
            tables[number] = _parse(file, form.encoding or "utf8")
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    user = np.concatenate([table[0] for table in tables.values()])
    item = np.concatenate([table[1] for table in tables.values()])
    if not len(item):
        raise DataError(f"{files[0]}: the train part has no interactions; at least one is needed")
    return RawLog(
        path=path,
        name=folder.resolve().name,
        users=position_map(max(table[2] for table in tables.values()), len(user), folder, "user"),
        items=position_map(int(item.max()), len(item), folder, "item"),
        user=user,
        item=item,
        part=np.concatenate([np.full(len(table[0]), number, dtype=np.int8) for number, table in tables.items()]),
    )


def _parse(path: Path, encoding: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int]:
    """Users (E,), items (E,) and the largest user of the file, without a loop over lines."""
    content = read_text(path, encoding).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    lines = re.sub(rb"\n{2,}", b"\n", content)  # empty ones are nothing, however many
    characters = np.frombuffer(lines, dtype=np.uint8)
    is_digit = (characters >= _ZERO) & (characters <= _NINE)
    if not (is_digit | np.isin(characters, _SPACES)).all():
        raise DataError(_describe_bad_tokens(path, content))
    starts = np.flatnonzero(is_digit & ~np.concatenate([[False], is_digit[:-1]]))
    ends = np.flatnonzero(is_digit & ~np.concatenate([is_digit[1:], [False]]))
    if not len(starts):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), -1
    if int((ends - starts).max()) >= _LONGEST:
        raise DataError(_describe_bad_tokens(path, content))
    numbers = np.fromstring(lines, dtype=np.int64, sep=" ")  # any white space separates
    line = np.cumsum(characters == _NEWLINE, dtype=np.int32 if len(lines) < 2**31 else np.int64)[starts]
    is_user = np.concatenate([[True], line[1:] != line[:-1]])
    users = numbers[is_user]
    return users[np.cumsum(is_user) - 1][~is_user], numbers[~is_user], int(users.max())


def _describe_bad_tokens(path: Path, content: bytes) -> list[str]:
    problems: list[str] = []
    for row, line in enumerate(content.decode().split("\n"), start=1):
        if len(problems) > _MOST:
            break
        for column, token in enumerate(line.split(), start=1):
            if not (token.isascii() and token.isdigit() and len(token) <= _LONGEST):
                problems.append(
                    f"{path}, row {row}, column {column}: must be a whole number of at least 0, "
                    f"separated by spaces (got '{token[:40]}')"
                )
    count = "many" if len(problems) > _MOST else len(problems) - _SHOWN
    more = [f"{path}: {count} more such values"] if len(problems) > _SHOWN else []
    return problems[:_SHOWN] + more


READER = Reader(name=_NAME, looks_for="train.txt (with test.txt)", detect=_detect, read=_read)
