"""Damaged and absurd files of logs: each has one clear answer, or is read as it is meant."""

import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gnnrec.data import read_dataset
from gnnrec.errors import GnnrecError

LOG = "user,item\n" + "".join(f"u{user},i{item}\n" for user in range(4) for item in range(3))
TABS = LOG.replace(",", "\t")
INTER = "user_id:token\titem_id:token\na\tb\nc\td\n"
U_DATA = "1\t2\t3\t881250000\n2\t2\t3\t881250000\n"
NOISE = np.random.default_rng(0).bytes(3000)
GIB = 2**30

# File name: content, keywords of read_dataset, and a part of the message or the number of interactions that are read.
TEXTS: list[tuple[str, str | bytes, dict[str, Any], str | int]] = [
    *[(f"x.{suffix}", "", {}, "") for suffix in ("csv", "tsv", "jsonl", "json", "parquet", "npz", "inter", "csv.gz")],
    *[(name, "", {}, "") for name in ("train.txt", "u.data", "ratings.dat", "ratings.csv", "ua.base")],
    *[(name, NOISE, {}, name) for name in ("x.csv", "x.jsonl", "x.npz", "x.inter", "train.txt", "u.data")],
    ("x.parquet", b"PAR1" + NOISE + b"PAR1", {}, "not a whole Parquet file"),
    ("x.csv.gz", b"\x1f\x8b" + NOISE, {}, "not a whole gzip file"),
    ("x.csv.gz", gzip.compress(LOG.encode() * 100)[:-20], {}, "not a whole gzip file"),
    ("x.csv.gz", gzip.compress(gzip.compress(LOG.encode())), {}, "is not UTF-8"),
    ("x.csv.gz", gzip.compress(LOG[:20].encode()) + gzip.compress(LOG[20:].encode()), {}, 12),
    ("x.csv.gz", LOG, {}, 12),
    ("x.csv", b"\x89PNG\r\n\x1a\n" + NOISE, {}, "is not UTF-8"),
    ("x.csv", b"PK\x03\x04" + NOISE, {}, "is not UTF-8"),
    ("x.csv", b"\0" * 4096, {}, "x.csv"),
    ("x.csv", LOG.encode("utf-16"), {}, 12),
    ("x.csv", b"\xfe\xff" + LOG.encode("utf-16-be"), {}, 12),
    ("x.tsv", TABS.encode("utf-16"), {}, 12),
    ("x.jsonl", '{"user_id":"a","item_id":"b"}\n'.encode("utf-16"), {}, 1),
    ("x.jsonl", b"\xff\xfe{", {}, "is not utf-16"),
    ("x.inter", INTER.encode("utf-16"), {}, 2),
    ("x.csv", LOG.encode("utf-32"), {}, 12),
    ("x.csv", LOG.replace("i1", "\xe9").encode("latin-1"), {}, "say its encoding, such as --encoding latin-1"),
    ("x.csv", LOG.replace("i1", "\xe9").encode("latin-1"), {"encoding": "latin-1"}, 12),
    *[
        ("x.csv", LOG, {"encoding": name}, "'encoding' must be one that Python knows")
        for name in ("klingon", "hex", "a\0b")
    ],
    ("x.csv", "\ufeff" + LOG, {}, 12),
    ("x.jsonl", '\ufeff{"user_id":"a","item_id":"b"}\n', {}, 1),
    ("train.txt", "\ufeff0 1 2\n1 0 1\n", {}, 4),
    ("x.inter", "\ufeff" + INTER, {}, 2),
    *[("x.csv", LOG.replace("\n", end), {}, 12) for end in ("\r\n", "\r")],
    *[("train.txt", f"0 1 2{end}1 0 1{end}", {}, 4) for end in ("\r\n", "\r", "\n\n")],
    ("x.csv", LOG.rstrip("\n"), {}, 12),
    ("x.csv", LOG.replace("u1", "\n\nu1"), {}, 12),
    ("x.csv", LOG + "\n" * 2_000_000 + "u9,i9\n", {}, 13),
    ("x.csv", LOG + "u9\n", {}, "row 14: must have 2 comma-separated columns (got 1)"),
    ("x.csv", LOG + "u9,i9,4,5\n", {}, "row 14: must have 2 comma-separated columns (got 4)"),
    ("x.csv", "user,user\na,b\n", {}, "column names must differ"),
    ("x.csv", "user\na\nb\n", {}, "no column for the item ids"),
    ("x.csv", LOG, {"columns": {"user": "user", "item": "user"}}, "'user' and 'item' must be different columns"),
    ("x.csv", "a" * 3_000_000 + ",item\n1,2\n", {}, "row 1: must be a line of column names"),
    ("x.csv", "user,item,rating\na,b," + "x" * 3_000_000, {}, "[...]"),
    ("x.csv", "," * 50_000 + "\n", {}, "at most 10,000 columns"),
    ("x.csv", LOG.replace(",", ";"), {}, "say --delimiter ';'"),
    ("x.csv", LOG.replace(",", ";"), {"delimiter": ";"}, 12),
    ("x.csv", LOG.replace(",", "\xe9"), {"delimiter": "\xe9"}, 12),
    ("x.csv", LOG, {"delimiter": ""}, "'delimiter' must be one character or more"),
    ("x.csv", LOG.replace(",", "||").replace("i1", "i\t1"), {"delimiter": "||"}, "must hold no tabs"),
    ("x.csv", "1,2\n2,3\n3,1\n", {"columns": {"user": "1", "item": "2"}}, "--no-header"),
    ("x.csv", "1,2\n2,3\n3,1\n", {"columns": {"user": "1", "item": "2"}, "header": False}, 3),
    ("x.csv", "7,8,5\n1,2,3\n", {}, "--no-header"),
    ("x.csv", "1,2\n3,4\n", {"columns": {"user": "1", "item": "9"}, "header": False}, "must have '9'"),
    ("x.csv", 'user,item\n"a,b\nc,d\n', {}, 2),  # each line has all columns as it stands
    ("x.csv", 'user,item\n"a\nc",d\n', {}, 1),
    ("x.csv", "user,item,rating\na,b,nan\n", {}, "must be a finite number (got 'nan')"),
    ("x.csv", "user,item,rating\na,b,1e400\n", {}, "must be a finite number (got '1e400')"),
    ("x.csv", "user,item,rating\na,b,\n", {}, "must be a finite number (got '')"),
    ("x.csv", "user,item,rating\na,b,3\n", {"min_weight": 4}, "(--min-weight)"),
    ("x.csv", "user,item\n,b\n", {}, "must be an id"),
    ("x.csv", "user,item,split\na,b,maybe\n", {}, "must be a split label"),
    ("x.csv", "user,item,timestamp\na,b,16/01/2024\n", {}, "ISO 8601"),
    ("x.inter", INTER, {"format": "table"}, 2),
    ("x.jsonl", '{"user_id":"a"\n', {}, "row 1: must be a JSON object"),
    ("x.jsonl", "[" * 100_000 + "\n", {}, "row 1: must be a JSON object"),
    ("x.jsonl", '{"user_id":"\\ud800","item_id":"b"}\n', {}, "row 1: holds half of a character"),
    ("train.txt", "0 1 99999999999999999999\n", {}, "row 1, column 3"),
    ("train.txt", "0 -1\n", {}, "row 1, column 2"),
    ("train.txt", "0\n1\n", {}, "at least one is needed"),
    ("train.txt", "0 1\n1 999999999999\n", {}, "must be positions"),
    ("x.inter", "userID\titemID\n0\t-1\n", {}, "must be a whole number of at least 0"),
]


@pytest.mark.parametrize(
    ("name", "content", "keywords", "expected"), TEXTS, ids=[f"{number}-{case[0]}" for number, case in enumerate(TEXTS)]
)
def test_text(tmp_path: Path, name: str, content: str | bytes, keywords: dict[str, Any], expected: str | int) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    _assert_answer(lambda: read_dataset(tmp_path / name, **keywords), expected, tmp_path)


def _assert_answer(read: Callable[[], Any], expected: str | int, folder: Path) -> None:
    if isinstance(expected, int):
        dataset = read()
        assert sum(map(len, dataset.parts().values())) == expected
    else:
        with pytest.raises(GnnrecError) as caught:
            read()
        assert expected in str(caught.value)
        assert str(folder) in str(caught.value)
        assert len(str(caught.value)) < 20_000


def _matrix(path: Path, **changes: Any) -> Path:
    matrix = sparse.csr_matrix(np.array([[0, 1, 2], [3, 0, 0], [0, 4, 0]], dtype=np.float64))
    for name, value in changes.items():
        setattr(matrix, name, value)
    sparse.save_npz(path, matrix)
    return path


def _archive(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def _parquet(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_parquet(path)
    return path


BINARIES: dict[str, tuple[Callable[[Path], Path], str | int]] = {
    "matrix": (lambda folder: _matrix(folder / "x.npz"), 4),
    "matrix of NaN": (lambda folder: _matrix(folder / "x.npz", data=np.array([1, np.nan, 1, 1])), "finite"),
    "complex matrix": (lambda folder: _matrix(folder / "x.npz", data=np.array([1j, 1, 1, 1])), "must be real numbers"),
    "matrix indices": (lambda folder: _matrix(folder / "x.npz", indices=np.array([0, 1, 77, 1])), "sparse matrix"),
    "matrix pointers": (lambda folder: _matrix(folder / "x.npz", indptr=np.array([0, 3, 2, 4])), "sparse matrix"),
    "huge matrix": (
        lambda folder: _archive(
            folder / "x.npz",
            format=np.array(b"coo"),
            shape=np.array([10**15, 10**15]),
            data=np.ones(1),
            row=np.zeros(1, dtype=np.int64),
            col=np.zeros(1, dtype=np.int64),
        ),
        "of a size that fits the file",
    ),
    "other archive": (lambda folder: _archive(folder / "x.npz", a=np.ones(3)), "sparse matrix"),
    "dates as ids": (
        lambda folder: _parquet(folder / "x.parquet", user_id=pd.to_datetime(["2020-01-01"]), item_id=["a"]),
        "ids must be whole numbers or text",
    ),
    "structs as ids": (
        lambda folder: _parquet(folder / "x.parquet", user_id=[{"a": 1}], item_id=["a"]),
        "ids must be whole numbers or text",
    ),
    "fractions as ids": (
        lambda folder: _parquet(folder / "x.parquet", user_id=[0.5, 1.0], item_id=["a", "b"]),
        "must be a whole number or text (got 0.5)",
    ),
    "hashes as ids": (
        lambda folder: _parquet(
            folder / "x.parquet", user_id=np.array([2**63, 1], dtype=np.uint64), item_id=["a", "b"]
        ),
        2,
    ),
    "missing ids": (
        lambda folder: _parquet(folder / "x.parquet", user_id=["a", None], item_id=["a", "b"]),
        "must be an id",
    ),
    "repeated texts of a GiB": (
        lambda folder: _parquet(
            folder / "x.parquet", user_id=range(2000), item_id=pd.Categorical(["x" * 2**20] * 2000)
        ),
        "promises more than a file of its size",
    ),
}


@pytest.mark.parametrize("name", BINARIES)
def test_binary(tmp_path: Path, name: str) -> None:
    make, expected = BINARIES[name]
    path = make(tmp_path)
    _assert_answer(lambda: read_dataset(path), expected, tmp_path)


FOLDERS: dict[str, tuple[dict[str, str], str | int]] = {
    "two tables for a part": ({"train.csv": LOG, "train.tsv": TABS, "test.csv": LOG}, "train.tsv is there too"),
    "two names of a part": ({"train.csv": LOG, "val.csv": LOG, "valid.csv": LOG}, "val.csv: valid.csv is there too"),
    "a part of other columns": ({"train.csv": LOG, "test.csv": "a,b\n1,2\n"}, "test.csv, row 1: no column"),
    "two tables of items": (
        {"train.csv": LOG, "items.csv": "item\ni1\n", "items.tsv": "item\ni1\n"},
        "items.csv: items.tsv is there too",
    ),
    "items twice": ({"train.csv": LOG, "items.csv": "item,title\ni1,A\ni1,B\n"}, "ids must be unique"),
    "two logs": ({"a.inter": INTER, "b.inter": INTER}, "several logs"),
    "a part without train": ({"x.test.inter": INTER}, "x.train.inter: no such file"),
    "a base without its test": ({"ua.base": U_DATA, "u.data": U_DATA}, 2),
    "nothing": ({"readme.md": "hello"}, "no known data format"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folder(tmp_path: Path, name: str) -> None:
    files, expected = FOLDERS[name]
    for file, content in files.items():
        (tmp_path / file).write_text(content)
    _assert_answer(lambda: read_dataset(tmp_path), expected, tmp_path)


@pytest.mark.parametrize(
    ("pipe", "beside"),
    [
        ("test.txt", {"train.txt": "0 1 2\n1 0 1\n"}),
        ("movies.dat", {"ratings.dat": "1::2::3::978300000\n"}),
        ("u.item", {"u.data": U_DATA}),
        ("x.item", {"x.inter": INTER}),
        ("train.csv", {}),
        ("x.parquet", {}),
        ("items.csv", {"train.csv": LOG}),
    ],
)
def test_a_pipe_is_not_taken_for_absent(tmp_path: Path, pipe: str, beside: dict[str, str]) -> None:
    for name, content in beside.items():
        (tmp_path / name).write_text(content)
    os.mkfifo(tmp_path / pipe)
    with pytest.raises(GnnrecError, match=rf"{pipe}: must be a file or a folder \(got a named pipe\)"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b", "/dev/zero"])
def test_what_cannot_be_a_path(path: str) -> None:
    with pytest.raises(GnnrecError):
        read_dataset(path)


def test_a_gzip_that_expands_without_end(tmp_path: Path) -> None:
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as stream:
        for _ in range(100):
            stream.write(b"u,i\n" * 2**18)
    (tmp_path / "x.csv.gz").write_bytes(file.getvalue()[: 2**20])
    with pytest.raises(GnnrecError, match=r"expands to more than 100 times its size|not a whole gzip file"):
        read_dataset(tmp_path / "x.csv.gz")


def test_shards_of_parts_are_those_parts(tmp_path: Path) -> None:
    for name, first in (("train-00000-of-00002", 0), ("train-00001-of-00002", 3), ("test-00000-of-00001", 6)):
        _parquet(tmp_path / f"{name}.parquet", user_id=range(first, first + 3), item_id=["a", "b", "c"])
    dataset = read_dataset(tmp_path)
    assert (len(dataset.train), len(dataset.valid), len(dataset.test)) == (6, 0, 3)


def test_a_table_of_items_beside_the_parts_is_read(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(LOG)
    (tmp_path / "items.csv").write_text("item,title\ni0,Zero\ni7,Seven\n")
    dataset = read_dataset(tmp_path)
    assert dataset.num_items == 4
    assert dataset.catalog is not None
    assert dict(zip(dataset.catalog["item_id"], dataset.catalog["title"], strict=True))["i7"] == "Seven"


def test_the_published_splits_of_movielens_are_named(tmp_path: Path) -> None:
    for name in ("u.data", "ua.base", "ua.test"):
        (tmp_path / name).write_text(U_DATA)
    assert any("(ua.base, each with its .test)" in note for note in read_dataset(tmp_path).notes)
