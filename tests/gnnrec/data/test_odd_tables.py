"""Tables in unusual forms, and in damaged ones: read as they are meant, or refused with what would be right."""

import gzip
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from gnnrec.data import read_dataset
from gnnrec.errors import GnnrecError

Content = str | bytes | Callable[[Path], object]
Case = tuple[dict[str, Content], str | tuple[int, int, int], dict[str, Any]]

LOG = "user,item\na,x\na,y\nb,x\n"
TYPED = "user_id:token\titem_id:token\na\tx\nb\tx\n"
INTER = "userID\titemID\n0\t0\n0\t1\n1\t0\n"
DATA = "1\t2\t3\t881250000\n2\t2\t3\t881250000\n"
NUMBERED = {"header": False, "columns": {"user": "1", "item": "2"}}
DATED = "user,item,timestamp\na,x,{}\nb,y,1600000000\n"
RATED = "user,item,rating\na,x,{}\nb,y,4\n"


def line(**values: object) -> str:
    return json.dumps({"user_id": "a", "item_id": "x"} | values) + "\n"


def table(**columns: object) -> Callable[[Path], object]:
    """A Parquet file; columns are values, or arrays of Arrow."""
    own = {"user_id": ["a", "b"], "item_id": ["x", "y"]} | columns
    return lambda path: parquet.write_table(pa.table(own), path)


def matrix(**changed: object) -> Callable[[Path], object]:
    """A sparse matrix of 2 users and 3 items with three entries, of which arrays are changed."""
    own: dict[str, Any] = {
        "indices": np.array([0, 2, 1]),
        "indptr": np.array([0, 2, 3]),
        "format": np.array(b"csr"),
        "shape": np.array([2, 3]),
        "data": np.ones(3),
    }
    return lambda path: np.savez(path, **(own | changed))


def array(values: object) -> Callable[[Path], object]:
    return lambda path: np.save(path, values)


def promise(shape: tuple[int, ...]) -> bytes:
    """The header of an array without its values."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return stream.getvalue() + b"\0" * 64


def texts(length: int, rows: int) -> Callable[[Path], object]:
    """A Parquet file of one long text in every row, which its dictionary holds once."""
    repeated = pa.DictionaryArray.from_arrays(np.zeros(rows, dtype=np.int32), ["x" * length])
    users = pa.array([str(row) for row in range(rows)])
    return lambda path: parquet.write_table(
        pa.table({"user_id": users, "item_id": users, "note": repeated}), path, store_schema=False
    )


def constant(rows: int) -> Callable[[Path], object]:
    """A Parquet file of as many equal rows, some kilobytes long."""
    ones = pa.array(np.ones(rows, dtype=np.int8))
    return lambda path: parquet.write_table(pa.table({"user_id": ones, "item_id": ones}), path, compression="zstd")


TEXT_CASES: dict[str, Case] = {
    "columns typed in part": ({"log.inter": "user_id:token\titem_id:str\tmore\na\tx\t1\n"}, (1, 1, 1), {}),
    "mixed line ends in users' lines": ({"train.txt": "0 1 2\r1 0 1\r\n2 2\n"}, (3, 3, 5), {}),
    "rows after windows line ends": ({"train.txt": "0 1\r\n1 x\r\n"}, "train.txt, row 2, column 2", {}),
    "carriage returns in objects": ({"log.jsonl": (line() + line(item_id="y")).replace("\n", "\r")}, (1, 2, 2), {}),
    "UTF-16 users' lines": ({"train.txt": "0 1 2\n1 0 1\n".encode("utf-16")}, (2, 3, 4), {}),
    "UTF-32": ({"log.csv": LOG.encode("utf-32")}, (2, 2, 3), {}),
    "UTF-16 without a mark": ({"log.csv": LOG.encode("utf-16-le")}, "log.csv: holds zero bytes", {}),
    "UTF-16 objects without a mark": ({"log.jsonl": line().encode("utf-16-be")}, "say --encoding utf-16-le", {}),
    "latin-1 objects": (
        {"log.jsonl": '{"user": "é", "item": "x"}\n'.encode("latin-1")},
        "such as --encoding latin-1",
        {},
    ),
    "latin-1 objects as one says": (
        {"log.jsonl": '{"user": "é", "item": "x"}\n'.encode("latin-1")},
        (1, 1, 1),
        {"encoding": "latin-1"},
    ),
    "zeros": ({"log.csv": b"\0" * 4096}, "log.csv: holds zero bytes", {}),
    "a picture": ({"train.txt": b"\x89PNG\r\n\x1a\n\xff" * 20}, "train.txt: row 1 is not UTF-8", {}),
    "gzip by content": ({"train.txt": gzip.compress(b"0 1 2\n1 0\n")}, (2, 3, 3), {}),
    "newlines between objects": ({"log.jsonl": line() + "\n" * 999 + "{"}, "log.jsonl, row 1001: must be a JSON", {}),
    "lines of blanks": ({"log.csv": LOG + "  \n" * 5_000}, "log.csv: many more such rows", {}),
    "a long id": ({"log.csv": LOG + "x" * 20_000 + ",\n"}, "log.csv, row 5, column 'item': must be an id", {}),
    "a long line": ({"log.csv": LOG.encode() + b"x" * (17 << 20)}, "log.csv, row 5: must be shorter than 16 MiB", {}),
    "a user with everything": ({"train.txt": b"0 " + b"1 " * (9 << 20)}, "train.txt, row 1: must be shorter", {}),
    "many names": (
        {"log.jsonl": line(**{f"n{number}": 1 for number in range(2_000)})},
        "log.jsonl, row 1: objects must have at most 1,000 different names",
        {},
    ),
    "many bad words": ({"train.txt": "a " * 5_000}, "train.txt: many more such values", {}),
    "half a character inside": ({"log.jsonl": line(tags=["\ud83d"])}, "log.jsonl, row 1: holds half of", {}),
    "deep nesting": ({"log.jsonl": "[" * 99_999}, "log.jsonl, row 1: must be a JSON object, one a line", {}),
    "one list": ({"log.json": f"[{line()}]"}, "log.json, row 1: must be a JSON object, one a line", {}),
    "huge numbers": ({"log.jsonl": line(user_id=10**30)}, (1, 1, 1), {}),
    "commas between positions": ({"log.inter": INTER.replace("\t", ",")}, "say --delimiter ','", {}),
    "commas between positions as one says": ({"log.inter": INTER.replace("\t", ",")}, (2, 2, 3), {"delimiter": ","}),
    "commas in u.data as one says": ({"u.data": DATA.replace("\t", ",")}, (2, 1, 2), {"delimiter": ","}),
    "other names": ({"log.csv": "who,what\na,x\n"}, "say which with --column user=NAME, or --no-header", {}),
    "other names of positions": (
        {"log.inter": INTER.replace("userID", "who")},
        (2, 2, 3),
        {"columns": {"user": "who"}},
    ),
    "time of the users": ({"log.csv": LOG}, "must be different columns", {"columns": {"timestamp": "user"}}),
    "names that are the first row": (
        {"log.csv": "alice,apple\nbob,pear\nalice,fig\n"},
        "log.csv, row 1: looks like data",
        {"columns": {"user": "alice", "item": "apple"}},
    ),
    "names like the values": (
        {"log.csv": "u1,i1\nu2,i2\nu3,i2\n"},
        "say --no-header --column user=1 --column item=2",
        {"columns": {"user": "u1", "item": "i1"}},
    ),
    "names beside a number": (
        {"log.csv": "ann,fig,5\nbob,pear,4\n"},
        "log.csv, row 1: looks like data",
        {"columns": {"user": "ann", "item": "fig"}},
    ),
    "no weights": (
        {"log.csv": LOG},
        "log.csv has none; name their column with --column weight=NAME",
        {"min_weight": 1.0},
    ),
    "far positions": ({"log.inter": INTER + "0\t76561198000000000\n"}, "item ids must be positions 0..n-1", {}),
}

BINARY_CASES: dict[str, Case] = {
    "long texts once": ({"log.parquet": texts(1 << 20, 600)}, "log.parquet: promises more than a file", {}),
    "equal rows": ({"log.parquet": constant(40_000_000)}, "log.parquet: promises more than", {}),
    "lists as weights": ({"log.parquet": table(weight=[[1], [2]])}, "column 'weight': must be a finite number", {}),
    "bytes as ids": ({"log.parquet": table(item_id=[b"\xff", b"x"])}, "ids must be whole numbers or text", {}),
    "categories": ({"log.parquet": table(item_id=pa.array(["x", "y"]).dictionary_encode())}, (2, 2, 2), {}),
    "no rows": (
        {"log.parquet": table(user_id=pa.array([], pa.string()), item_id=pa.array([], pa.string()))},
        "at least one is needed",
        {},
    ),
    "entries that are no number": (
        {"m.npz": matrix(data=np.array([1, np.nan, 1]))},
        "m.npz, row 0, column 2: must",
        {},
    ),
    "complex entries": ({"m.npz": matrix(data=np.ones(3, dtype=complex))}, "m.npz: entries must be real numbers", {}),
    "rows too few": ({"m.npz": matrix(indptr=np.array([0, 3]))}, "m.npz: must be a sparse matrix", {}),
    "columns below 0": ({"m.npz": matrix(indices=np.array([0, -1, 1]))}, "m.npz: must be a sparse matrix", {}),
    "columns of a matrix": ({"m.npz": matrix()}, "'columns' is for tables", {"columns": {"user": "1"}}),
    "features of a trillion rows": (
        {"log.inter": INTER, "a_feat.npy": promise((10**12, 4))},
        "a_feat.npy: truncated or damaged",
        {},
    ),
    "features without columns": (
        {"log.inter": INTER, "a.npy": array(np.ones((2, 0)))},
        "a.npy: must have at least one number a row",
        {},
    ),
    "features of text": ({"log.inter": INTER, "a.npy": array(np.array([["a"], ["b"]]))}, "a.npy: must be a matrix", {}),
    "features with infinity": (
        {"log.inter": INTER, "a.npy": array(np.array([[1.0], [np.inf]]))},
        "a.npy, row 1, column 0: features must be finite",
        {},
    ),
    "half of features": (
        {"log.inter": INTER, "features/e.image.safetensors": b"\xff" * 40},
        "e.image.safetensors: truncated or not a safetensors file",
        {},
    ),
}

FOLDER_CASES: dict[str, Case] = {
    "a folder as test": ({"train.txt": "0 1\n", "test.txt": Path.mkdir}, "test.txt: must be a file (got a folder)", {}),
    "a lost link as test": (
        {"train.txt": "0 1\n", "test.txt": lambda path: path.symlink_to("gone.txt")},
        "test.txt: must be a file (got a link to nothing)",
        {},
    ),
    "a pipe as users": (
        {"interactions.parquet": table(), "items.parquet": table(), "users.parquet": os.mkfifo},
        "users.parquet: must be a file or a folder (got a named pipe)",
        {},
    ),
    "a pipe as features": ({"a.inter": INTER, "b.npy": os.mkfifo}, "b.npy: must be a file or a folder", {}),
    "a shard is missing": (
        {"train-00000-of-00002.parquet": table(), "test-00000-of-00001.parquet": table()},
        "train-00000-of-00002.parquet: must be one of 2 files by its name (got 1)",
        {},
    ),
    "items beside shards": (
        {
            "part-0.parquet": table(),
            "items.parquet": lambda path: pd.DataFrame({"id": ["z"], "t": ["Z"]}).to_parquet(path),
        },
        (2, 3, 2),
        {},
    ),
    "movies in disorder": (
        {"ratings.dat": "1::2::3::978300000\n", "movies.dat": "2::A\n"},
        "movies.dat, row 1: must have 3",
        {},
    ),
}


@pytest.mark.parametrize("name", [*TEXT_CASES, *BINARY_CASES, *FOLDER_CASES])
def test_each_file_has_one_clear_answer(name: str, tmp_path: Path) -> None:
    files, wanted, options = (TEXT_CASES | BINARY_CASES | FOLDER_CASES)[name]
    for file, content in files.items():
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        if callable(content):
            content(path)
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    whole = tmp_path if name in FOLDER_CASES or len(files) > 1 else tmp_path / next(iter(files))
    if isinstance(wanted, str):
        with pytest.raises(GnnrecError) as caught:
            read_dataset(whole, **options)
        assert wanted in str(caught.value)
        assert max(map(len, str(caught.value).splitlines())) < 2_100, "long values are cut in messages"
    else:
        dataset = read_dataset(whole, **options)
        found = (dataset.num_users, dataset.num_items, sum(len(part) for part in dataset.parts().values()))
        assert found == wanted


def test_what_is_read_otherwise_than_a_line_a_row_is_told(tmp_path: Path) -> None:
    (tmp_path / "quoted.csv").write_text('user,item,note\na,x,"two\nlines"\nb,x,one\n')
    notes = read_dataset(tmp_path / "quoted.csv").notes
    assert any("3 lines are 2 rows" in note for note in notes)
    (tmp_path / "numbered.csv").write_text("0,1\n5,7\n6,8\n")
    notes = read_dataset(tmp_path / "numbered.csv", columns={"user": "0", "item": "1"}).notes
    assert any("row 1 (0, 1) is taken for names of columns; if it is data, say --no-header" in note for note in notes)


def test_tables_that_are_not_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(LOG)
    (tmp_path / "songs.csv").write_text("item_id,title\nx,Ex\n")
    assert any(note.endswith("songs.csv") for note in read_dataset(tmp_path).notes)


def test_many_wrong_values_are_not_all_counted(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("user,item,rating\n" + "a,x,1.5\n" * 70_000 + "a,x,?\n" * 20_000)
    with pytest.raises(GnnrecError, match=r"row 70002, .* \(got '\?'\); also rows 70003, 70004 and many more"):
        read_dataset(tmp_path / "log.csv")
