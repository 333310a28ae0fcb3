"""Each kind of bad input ends in one error that names file, row and column."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from log_files import write_features, write_folder, write_lightgcn, write_mmrec, write_table
from safetensors.torch import save_file

from gnnrec.data import IdMap, read_dataset
from gnnrec.data.feature_file import item_id_hash
from gnnrec.errors import DataError

ROWS = [(0, 0, 0), (0, 1, 0), (1, 1, 0), (1, 2, 1), (1, 0, 2)]


def failure(path, **options) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_dataset(path, **options)
    return caught.value.problems


def write_inter(tmp_path, text: str):
    file = tmp_path / "log.inter"
    file.write_text(text)
    return file


def test_missing_column(tmp_path):
    file = write_inter(tmp_path, "userID\tproduct\tx_label\n0\t1\t0\n")
    (problem,) = failure(file)
    assert problem == (
        f"{file}, row 1: no column for the item ids: must have one of 'itemID', 'item_id' "
        "(columns: 'userID', 'product', 'x_label'); say which with --column item=NAME, "
        "or --no-header where row 1 is data"
    )


def test_several_problems_come_together(tmp_path):
    file = write_inter(tmp_path, "userID\titemID\tx_label\n0\t-1\t0\n\nabc\t2\t0\n1\t-2\t3\n2\t1.5\t0\n2\t0x1\t0\n")
    problems = failure(file)
    assert problems == [
        f"{file}, row 4, column 'userID': must be a whole number of at least 0 (got 'abc')",
        f"{file}, row 2, column 'itemID': must be a whole number of at least 0 (got '-1'); also rows 5, 6 and 1 more",
        f"{file}, row 5, column 'x_label': must be a split label: train, valid, test or 0, 1, 2 (got '3')",
    ]


def test_wrong_delimiter(tmp_path):
    file = write_inter(tmp_path, "userID,itemID\n0,1\n")
    assert failure(file) == [
        f"{file}, row 1: columns must be tab-separated (got comma-separated: 'userID,itemID'); say --delimiter ','"
    ]
    table = tmp_path / "log.csv"
    table.write_text("user_id;item_id\n1;2\n")
    assert "columns must be comma-separated (got semicolon-separated" in failure(table)[0]
    ratings = tmp_path / "u.data"
    ratings.write_text("1::2::3::4\n")
    assert "u.data, row 1: columns must be tab-separated (got '::'-separated" in failure(ratings)[0]


def test_ragged_rows(tmp_path):
    file = write_inter(tmp_path, "userID\titemID\n0\t1\n\n0\n1\t2\t3\n")
    assert failure(file) == [
        f"{file}, row 4: must have 2 tab-separated columns (got 1)",
        f"{file}, row 5: must have 2 tab-separated columns (got 3)",
    ]


@pytest.mark.parametrize("text", ["", "\n", "userID\titemID\n", "userID\titemID\n\n\n"])
def test_empty_files(tmp_path, text):
    (problem,) = failure(write_inter(tmp_path, text), format="mmrec")
    assert "log.inter: must have rows of data (got a" in problem


def test_empty_train(tmp_path):
    (problem,) = failure(write_mmrec(tmp_path / "m", [(0, 0, 2), (1, 1, 1)]))
    assert problem.endswith("the train part has no interactions; at least one is needed")
    folder = write_lightgcn(tmp_path / "l", [(0, 0, 2)])
    assert failure(folder)[0].endswith("the train part has no interactions; at least one is needed")
    (folder / "test.txt").write_text("")
    assert "train.txt: the train part has no interactions" in failure(folder)[0]


def test_lightgcn_names_line_and_place(tmp_path):
    folder = write_lightgcn(tmp_path / "l", ROWS)
    (folder / "train.txt").write_text("0 1 2\n1 x -4\n")
    (folder / "test.txt").write_text("0,1\n")
    problems = failure(folder)
    assert [problem.split(": must be")[0] for problem in problems] == [
        f"{folder / 'train.txt'}, row 2, column 2",
        f"{folder / 'train.txt'}, row 2, column 3",
        f"{folder / 'test.txt'}, row 1, column 1",
    ]
    assert "(got '-4')" in problems[1]
    (folder / "train.txt").write_text(f"0 1\n1 {'9' * 19}\n")
    assert "row 2, column 2: must be a whole number" in failure(folder)[0]


def test_ids_that_cannot_be_positions(tmp_path):
    file = write_inter(tmp_path, "userID\titemID\n0\t76561198000000000\n")
    assert "item ids must be positions 0..n-1, but the largest is 76561198000000000" in failure(file)[0]


def test_table_with_missing_ids_and_bad_numbers(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user_id,item_id,timestamp,rating\n,x,1,2\na,y,soon,inf\n")
    assert failure(file) == [
        f"{file}, row 2, column 'user_id': must be an id (got '')",
        f"{file}, row 3, column 'timestamp': must be seconds since the epoch or ISO 8601 such as 2024-01-16 or "
        "2024-01-16T10:00:00Z, one kind in a column (got 'soon')",
        f"{file}, row 3, column 'rating': must be a finite number (got 'inf')",
    ]
    frame = pd.DataFrame({"user_id": ["a", None], "item_id": [1.5, 2.0], "timestamp": [1.0, np.nan]})
    frame.to_parquet(tmp_path / "log.parquet")
    problems = failure(tmp_path / "log.parquet")
    assert [re.search(r"row \d, column '\w+'", problem)[0] for problem in problems] == [
        "row 2, column 'user_id'",
        "row 1, column 'item_id'",
        "row 2, column 'timestamp'",
    ]


@pytest.mark.parametrize(
    ("values", "row", "got"),
    [
        (["2024-01-16", "2024-01-17", "16/01/2024"], 4, "16/01/2024"),
        (["2024-01-16", "2024-02-30", "2024-01-17"], 3, "2024-02-30"),
        (["", "2024-01-16", "2024-01-17"], 2, ""),
        (["2024-01-16T10:00Z", "2024-01-16T24:00Z", "2024-01-16T10:00Z"], 3, "2024-01-16T24:00Z"),
        (["2024-01-16", "1705363200", "2024-01-16"], 3, "1705363200"),
        (["1", "2024-01-16", "3"], 3, "2024-01-16"),
    ],
)
def test_timestamps_of_another_kind(tmp_path, values, row, got):
    file = tmp_path / "log.csv"
    lines = [f"u{number},x,{value}" for number, value in enumerate(values)]
    file.write_text("\n".join(["user_id,item_id,timestamp", *lines]))
    assert failure(file) == [
        f"{file}, row {row}, column 'timestamp': must be seconds since the epoch or ISO 8601 such as 2024-01-16 or "
        f"2024-01-16T10:00:00Z, one kind in a column (got '{got}')"
    ]


def test_missing_and_unwanted_dates_of_parquet(tmp_path):
    times = pd.to_datetime(["2020-01-01", None])
    frame = pd.DataFrame({"user_id": ["a", "b"], "item_id": [1, 2], "timestamp": times})
    frame.to_parquet(tmp_path / "log.parquet")
    (problem,) = failure(tmp_path / "log.parquet")
    assert "row 2, column 'timestamp': must be seconds since the epoch or ISO 8601" in problem
    frame.rename(columns={"timestamp": "weight"}).to_parquet(tmp_path / "log.parquet")
    assert "row 1, column 'weight': must be a finite number" in failure(tmp_path / "log.parquet")[0]


def test_split_by_time_names_the_columns_of_a_table(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user_id,item_id,when\na,x,1\nb,x,2\nc,x,3\n")
    needs = "log: split 'global-time' needs timestamps, which this log lacks"
    hint = "name the column with --column timestamp=NAME (columns: 'user_id', 'item_id', 'when')"
    assert failure(file, split="global_time") == [f"{needs}; {hint}"]
    found = read_dataset(file, split="global-time", columns={"timestamp": "when"})
    assert found.test.timestamp.tolist() == [3]
    # Other formats fix their columns, so there is none to name.
    assert failure(write_mmrec(tmp_path / "m", ROWS), split="global-time") == [needs]
    file.write_text("user_id,item_id,timestamp\na,x,1\nb,x,1\n")
    assert failure(file, split="global-time")[0].endswith("too many have the first timestamp")


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.inter"])
def test_text_that_is_not_utf8(tmp_path, name):
    file = tmp_path / name
    delimiter = "," if name == "log.csv" else "\t"
    text = "\r\n".join(delimiter.join(row) for row in (["userID", "itemID", "note"], ["1", "2", "é"], ["3", "4", "ü"]))
    lines = [line.encode() for line in text.split("\r\n")]
    lines[2] = lines[2].decode().encode("latin-1")
    file.write_bytes(b"\r\n".join(lines))
    other = "say its encoding, such as --encoding latin-1"
    assert failure(file) == [f"{file}: row 3 is not UTF-8; save the file as UTF-8 or {other}"]
    file.write_bytes(b"\r\n".join([*lines[:2], b"", lines[2] + delimiter.encode()]))  # ragged as well
    assert failure(file) == [f"{file}: row 4 is not UTF-8; save the file as UTF-8 or {other}"]
    file.write_bytes(text.encode("utf-16"))  # which says so by its first bytes
    assert len(read_dataset(file).train) == 2


def test_repeated_ids_in_items(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[0, 1, 1, 2, 0])
    (problem,) = failure(folder)
    where = f"{folder / 'items.parquet'}, row 3, column 'item_id'"
    assert problem == f"{where}: ids must be unique (got 1 again); also row 5"


def test_items_that_are_not_listed(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[0, 1])
    (problem,) = failure(folder)
    assert "interactions.parquet, row 4, column 'item_id': must be listed in items.parquet (got 2)" in problem
    (folder / "items.parquet").unlink()
    assert failure(folder) == [f"{folder / 'items.parquet'}: no such file"]


def test_unknown_split_label(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user_id,item_id,split\na,x,train\nb,x,holdout\n")
    assert "row 3, column 'split': must be a split label" in failure(file)[0]


def test_truncated_parquet(tmp_path):
    file = write_table(tmp_path / "log.parquet", ROWS)
    content = file.read_bytes()
    for cut in (len(content) // 2, 3, 0):
        file.write_bytes(content[:cut])
        assert "log.parquet: not a whole Parquet file" in failure(file)[0]


def test_feature_rows_unlike_items(tmp_path):
    folder = write_mmrec(tmp_path / "m", ROWS)
    write_features(folder / "a_feat.npy", 4)
    write_features(folder / "b.npy", 2)
    assert failure(folder) == [
        f"{folder / 'a_feat.npy'}: must have one row an item: 3 (got 4 rows)",
        f"{folder / 'b.npy'}: must have one row an item: 3 (got 2 rows)",
    ]


def test_features_that_are_not_finite(tmp_path):
    folder = write_mmrec(tmp_path / "m", ROWS)
    values = np.ones((3, 2))
    values[1, 1] = np.nan
    np.save(folder / "a.npy", values)
    values[1:] = 1e300
    np.save(folder / "b.npy", values)
    problems = failure(folder)
    assert problems[0] == f"{folder / 'a.npy'}, row 1, column 1: features must be finite in float32 (got nan)"
    assert (
        "b.npy, row 1, column 0: features must be finite in float32 (got inf); in all 2 rows (first: 1, 2)"
        in problems[1]
    )


def test_damaged_arrays(tmp_path):
    folder = write_mmrec(tmp_path / "m", ROWS)
    file = folder / "a.npy"
    write_features(file, 3)
    content = file.read_bytes()
    for cut in (len(content) - 5, 40, 7):
        file.write_bytes(content[:cut])
        assert "a.npy: truncated or damaged" in failure(folder)[0]
    file.write_bytes(b"")
    assert "a.npy: must be a NumPy array file" in failure(folder)[0]
    np.save(file, np.ones(3))
    assert "must be a matrix of numbers, a row an item (got float64 of shape (3,))" in failure(folder)[0]


def test_pickles_are_refused(tmp_path):
    folder = write_mmrec(tmp_path / "m", ROWS)
    np.save(folder / "a.npy", np.array([{"x": 1}, None, 3], dtype=object), allow_pickle=True)
    assert "holds pickled objects, which are refused" in failure(folder)[0]
    (folder / "a.npy").write_bytes(b"\x80\x04N.")
    assert "got a pickle, which is refused" in failure(folder)[0]


def write_own_features(folder, header=None, **tensors):
    (folder / "features").mkdir(exist_ok=True)
    save_file(tensors, folder / "features" / "clip.image.safetensors", metadata=header)


def test_stale_features(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[0, 1, 2])
    fresh = item_id_hash(IdMap([0, 1, 2]))
    write_own_features(folder, {"item_id_hash": fresh}, x=torch.ones(3, 2))
    assert read_dataset(folder).features["clip"].coverage == 1.0
    write_own_features(folder, {"item_id_hash": item_id_hash(IdMap([0, 2, 1]))}, x=torch.ones(3, 2))
    assert "clip" in read_dataset(folder).stale
    (problem,) = failure(folder, features=["clip"])
    assert "clip.image.safetensors: made for other items or another order of them" in problem


def test_features_by_id_are_aligned_and_must_match(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[2, 0, 1])
    x = torch.tensor([[1.0, 1.0], [2.0, 2.0], [7.0, 7.0]])
    write_own_features(folder, x=x, item_id=torch.tensor([1, 2, 50]))
    dataset = read_dataset(folder)
    assert dataset.features["clip"].mask.tolist() == [True, False, True]
    assert dataset.features["clip"].x.tolist() == [[2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]
    assert dataset.notes == ["features 'clip' cover 2 of 3 items (66.7%)"]
    write_own_features(folder, x=x, item_id=torch.tensor([10, 20, 50]))
    assert "none of its 3 item ids is among the data's 3" in failure(folder)[0]
    write_own_features(folder, x=x, item_id=torch.tensor([1, 1, 50]))
    assert "item ids must be unique" in failure(folder)[0]
    write_own_features(folder, {"item_ids": '["1", "0"]'}, x=x)
    assert "must have one item id a row" in failure(folder)[0]


def test_features_that_cover_nothing(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[0, 1, 2])
    write_own_features(folder, x=torch.ones(3, 2), mask=torch.zeros(3, dtype=torch.bool))
    assert "features must cover at least one item (got none of 3)" in failure(folder)[0]


def test_rows_outside_the_mask_are_not_read(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[0, 1, 2])
    x = torch.tensor([[1.0], [float("nan")], [3.0]])
    write_own_features(folder, x=x, mask=torch.tensor([True, False, True]))
    assert read_dataset(folder).features["clip"].x.flatten().tolist() == [1.0, 0.0, 3.0]


def test_damaged_safetensors(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[0, 1, 2])
    write_own_features(folder, x=torch.ones(3, 2))
    file = folder / "features" / "clip.image.safetensors"
    content = file.read_bytes()
    for cut in (len(content) - 3, 4, 0):
        file.write_bytes(content[:cut])
        assert "clip.image.safetensors: truncated or not a safetensors file" in failure(folder)[0]
    write_own_features(folder, y=torch.ones(3, 2))
    assert "must hold a floating matrix 'x'" in failure(folder)[0]
