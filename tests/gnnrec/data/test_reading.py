"""Every format is found from the path and read as written."""

import datetime

import numpy as np
import pandas as pd
import pytest
import torch
from log_files import (
    rows_of,
    write_features,
    write_folder,
    write_lightgcn,
    write_mmrec,
    write_recbole,
    write_table,
)
from safetensors.torch import save_file

from gnnrec.data import read_dataset
from gnnrec.errors import ArgumentError, DataError, UnknownNameError

ROWS = [(0, 0, 0), (0, 1, 0), (0, 3, 2), (1, 1, 0), (1, 2, 1), (2, 0, 0), (2, 3, 0), (2, 1, 2)]
EXPECTED = sorted((str(user), str(item), ("train", "valid", "test")[part]) for user, item, part in ROWS)


def test_mmrec_reads_parts_features_and_catalog(tmp_path):
    folder = write_mmrec(tmp_path / "shop", ROWS, name="shop")
    image = write_features(folder / "image_feat.npy", 4)
    np.save(folder / "whisper.npy", np.ones((4, 2), dtype=np.float16))
    (folder / "artists.tsv").write_text('itemID\tcode\tname\n2\tx\ttwo\n0\ty\t"""Zero"" first"\n1\tz\tone\n')
    (folder / "other.tsv").write_text("code\titemID\nx\t0\n")
    dataset = read_dataset(folder)
    assert rows_of(dataset) == EXPECTED
    assert (dataset.num_users, dataset.num_items, dataset.name, dataset.split) == (3, 4, "shop", "given")
    assert set(dataset.features) == {"image", "whisper"}
    assert torch.equal(dataset.features["image"].x, torch.from_numpy(image))
    assert dataset.features["whisper"].x.dtype == torch.float32
    assert list(dataset.catalog.columns) == ["item_id", "code", "title"]
    assert dataset.catalog["title"].tolist()[:3] == ['"Zero" first', "one", "two"]
    assert dataset.catalog["title"].isna().tolist() == [False, False, False, True]
    assert dataset.notes == []


def test_mmrec_file_without_labels_is_all_train(tmp_path):
    file = tmp_path / "log.inter"
    file.write_text("userID\titemID\trating\ttimestamp\n1\t0\t4.5\t10\n0\t2\t3\t20\n")
    dataset = read_dataset(file)
    assert dataset.split == "none"
    assert (dataset.num_users, dataset.num_items, len(dataset.train)) == (2, 3, 2)
    assert dataset.train.weight.tolist() == [4.5, 3.0]
    assert dataset.train.timestamp.tolist() == [10, 20]
    assert dataset.train.timestamp.dtype == torch.int64


def test_mmrec_catalog_adds_items_and_a_bad_one_is_a_note(tmp_path):
    folder = write_mmrec(tmp_path / "shop", ROWS)
    (folder / "a.tsv").write_text("itemID\ttitle\n5\tsix\n")
    (folder / "b.csv").write_text("item_id,kind\n1,x\n1,y\n")
    dataset = read_dataset(folder)
    assert dataset.num_items == 6
    assert list(dataset.catalog.columns) == ["item_id", "title"]
    assert len(dataset.notes) == 1
    assert "b.csv, row 3, column 'item_id'" in dataset.notes[0]


def test_mmrec_row_of_zeros_is_missing(tmp_path):
    folder = write_mmrec(tmp_path / "shop", ROWS)
    np.save(folder / "v_feat.npy", np.array([[1.0, 2], [0, 0], [0, 3], [4, 0]]))
    dataset = read_dataset(folder)
    assert dataset.features["v"].mask.tolist() == [True, False, True, True]
    assert dataset.notes == ["features 'v' cover 3 of 4 items (75.0%)"]


def test_lightgcn_keeps_users_without_items_and_spaces(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "train.txt").write_bytes(b"0 2 1\r\n1  3 \r\n\r\n4\r\n2 0")
    (folder / "test.txt").write_text("1 0\n3 6\n")
    for path in (folder, folder / "train.txt"):
        dataset = read_dataset(path)
        assert (dataset.num_users, dataset.num_items, dataset.name) == (5, 7, "set")
        assert dataset.train.edge_index.tolist() == [[0, 0, 1, 2], [2, 1, 3, 0]]
        assert dataset.test.edge_index.tolist() == [[1, 3], [0, 6]]
        assert len(dataset.valid) == 0


def test_recbole_benchmark_files_and_items(tmp_path):
    folder = write_recbole(tmp_path / "toy", ROWS, name="toy", prefix="x")
    (folder / "toy.item").write_text("item_id:token\tmovie_title:token_seq\nx9\tNine\nx0\tZero\n")
    dataset = read_dataset(folder)
    assert [(u[1:], i[1:], part) for u, i, part in rows_of(dataset)] == EXPECTED
    assert dataset.items.array.tolist() == ["x0", "x1", "x2", "x3", "x9"]
    assert dataset.catalog["movie_title"].dropna().tolist() == ["Zero", "Nine"]
    assert dataset.train.weight.tolist() == [1.5] * 5


def test_recbole_single_file_keeps_text_ids_and_whole_times(tmp_path):
    file = tmp_path / "toy.inter"
    file.write_text(
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n007\tb\t1\t978300760.0\n7\ta\t2\t5.0\n"
    )
    dataset = read_dataset(tmp_path)
    assert dataset.users.array.tolist() == ["007", "7"]
    assert dataset.train.timestamp.tolist() == [978300760, 5]
    assert dataset.train.timestamp.dtype == torch.int64


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.parquet"])
@pytest.mark.parametrize("prefix", ["", "id-"])
def test_tables(tmp_path, name, prefix):
    dataset = read_dataset(write_table(tmp_path / name, ROWS, prefix))
    rows = rows_of(dataset)
    assert [tuple(value.removeprefix(prefix) for value in row) for row in rows] == EXPECTED
    assert dataset.users.is_integer == (prefix == "")
    assert dataset.name == "log"


def test_table_with_column_names(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text('who,when,what,stars\nann,3,"a, b",5\nbob,1,c,4\n')
    dataset = read_dataset(file, columns={"user": "who", "item": "what", "timestamp": "when", "weight": "stars"})
    assert dataset.items.array.tolist() == ["a, b", "c"]
    assert dataset.train.timestamp.tolist() == [3, 1]
    with pytest.raises(DataError, match=r"orders.csv, row 1: no column for the user ids: must have 'nobody'"):
        read_dataset(file, columns={"user": "nobody", "item": "what"})
    with pytest.raises(ArgumentError, match="got 'userr'"):
        read_dataset(file, columns={"userr": "who"})
    with pytest.raises(ArgumentError, match="format 'mmrec' fixes it"):
        read_dataset(write_mmrec(tmp_path / "m", ROWS), header=False)


def test_parquet_dates_are_seconds(tmp_path):
    times = pd.to_datetime(["2020-01-01", "2020-01-02"])
    frame = pd.DataFrame({"user_id": ["a", "b"], "item_id": [1.0, 2.0], "timestamp": times})
    frame.to_parquet(tmp_path / "log.parquet")
    dataset = read_dataset(tmp_path / "log.parquet")
    assert dataset.train.timestamp.diff().tolist() == [86400]
    assert dataset.train.timestamp[0].item() == 1577836800
    assert dataset.items.array.tolist() == [1, 2]


@pytest.mark.parametrize("name", ["log.csv", "log.tsv", "log.inter", "log.parquet"])
def test_iso_dates_are_seconds(tmp_path, name):
    times = {
        "1970-01-02": 86400,
        "2024-01-16": 1705363200,
        "2024-02-29T23:59": 1709251140,
        "2024-01-16T10:00:00Z": 1705399200,
        "2024-01-16 10:00:00": 1705399200,
        "2024-01-16T10:00:00+02:00": 1705392000,
        "2024-01-16 10:00:00-0530": 1705419000,
        "1969-12-31T23:59:58.000000000Z": -2,
    }
    frame = pd.DataFrame(
        {"user_id": [f"u{row}" for row in range(len(times))], "item_id": "x", "timestamp": list(times)}
    )
    if name == "log.inter":
        frame.columns = ["user_id:token", "item_id:token", "timestamp:token"]
    if name == "log.parquet":
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_csv(tmp_path / name, sep="," if name == "log.csv" else "\t", index=False)
    dataset = read_dataset(tmp_path / name)
    assert dataset.train.timestamp.tolist() == list(times.values())
    assert dataset.train.timestamp.dtype == torch.int64


def test_parts_of_a_second_stay(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user_id,item_id,timestamp\na,x,2024-01-16T10:00:00.5Z\nb,x,2024-01-16 10:00:00.123456789\n")
    dataset = read_dataset(file)
    assert dataset.train.timestamp.dtype == torch.float64
    assert dataset.train.timestamp.tolist() == [1705399200.5, 1705399200.123456]
    times = pd.to_datetime(["2024-01-16 10:00:00.500", "2024-01-16 10:00:01.000"]).tz_localize("Europe/Berlin")
    frame = pd.DataFrame({"user_id": ["a", "b"], "item_id": [1, 2], "timestamp": times})
    frame.to_parquet(tmp_path / "log.parquet")
    assert read_dataset(tmp_path / "log.parquet").train.timestamp.tolist() == [1705395600.5, 1705395601.0]


def test_days_of_parquet_are_seconds(tmp_path):
    days = [datetime.date(1970, 1, 2), datetime.date(2024, 1, 16)]
    frame = pd.DataFrame({"user_id": ["a", "b"], "item_id": [1, 2], "timestamp": days})
    frame.to_parquet(tmp_path / "log.parquet")
    assert read_dataset(tmp_path / "log.parquet").train.timestamp.tolist() == [86400, 1705363200]


def write_movielens_100k(folder):
    folder.mkdir()
    flags = "|".join("0" * 19)
    titles = ["Toy Story", "Café", "Never Seen"]
    lines = [f"{number}|{title}|01-Jan-1995||http://x|{flags}" for number, title in enumerate(titles, start=1)]
    (folder / "u.item").write_bytes("\n".join(lines).encode("latin-1"))
    (folder / "u.data").write_text("5\t1\t3\t100\n6\t2\t4\t200\n5\t2\t1\t300\n")
    (folder / "ua.base").write_text("5\t1\t3\t100\n6\t2\t4\t200\n")
    (folder / "ua.test").write_text("5\t2\t1\t300\n")
    return folder


def test_movielens_100k(tmp_path):
    folder = write_movielens_100k(tmp_path / "ml")
    dataset = read_dataset(folder)
    assert (dataset.name, dataset.split, len(dataset.train)) == ("ml", "none", 3)
    assert dataset.items.array.tolist() == [1, 2, 3]
    assert dataset.users.array.tolist() == [5, 6]
    assert dataset.catalog["title"].tolist() == ["Toy Story", "Café", "Never Seen"]
    prepared = read_dataset(folder / "ua.base")
    assert (prepared.name, len(prepared.train), len(prepared.test)) == ("ml-ua", 2, 1)
    assert prepared.test.weight.tolist() == [1.0]
    (folder / "ua.test").unlink()
    with pytest.raises(DataError, match=r"ua\.test: no such file"):
        read_dataset(folder / "ua.base")


def test_movielens_dat_and_csv(tmp_path):
    (tmp_path / "ratings.dat").write_text("1::10::5::100\n2::20::3::50\n")
    (tmp_path / "movies.dat").write_bytes("10::Amélie (2001)::Comedy|Romance\n20::X: Y::Drama\n".encode("latin-1"))
    by_dat = read_dataset(tmp_path)
    assert by_dat.catalog["title"].tolist() == ["Amélie (2001)", "X: Y"]
    other = tmp_path / "csv"
    other.mkdir()
    (other / "ratings.csv").write_text("userId,movieId,rating,timestamp\n1,10,5.0,100\n2,20,3.0,50\n")
    (other / "movies.csv").write_text('movieId,title,genres\n10,"A, B",Comedy\n20,C,Drama\n')
    by_csv = read_dataset(other)
    assert by_csv.catalog["title"].tolist() == ["A, B", "C"]
    assert by_csv.fingerprint == by_dat.fingerprint


def test_own_folder_keeps_the_order_of_items(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[3, 0, 9, 2, 1])
    dataset = read_dataset(folder)
    assert rows_of(dataset) == EXPECTED
    assert dataset.items.array.tolist() == [3, 0, 9, 2, 1]
    assert dataset.catalog is None


def test_own_folder_by_its_log(tmp_path):
    folder = write_folder(tmp_path / "own", ROWS, items=[3, 0, 9, 2, 1])
    (folder / "features").mkdir()
    save_file({"x": torch.ones(5, 2)}, folder / "features" / "clip.image.safetensors")
    dataset = read_dataset(folder / "interactions.parquet")
    whole = read_dataset(folder)
    assert dataset.items.array.tolist() == [3, 0, 9, 2, 1]
    assert (dataset.name, dataset.source, dataset.fingerprint) == ("own", str(folder), whole.fingerprint)
    assert list(dataset.features) == ["clip"]
    assert read_dataset(folder / "interactions.parquet", format="table", features=[]).num_items == 4
    (folder / "items.parquet").unlink()
    assert read_dataset(folder / "interactions.parquet", features=[]).name == "interactions"


def test_equal_data_have_one_fingerprint_in_every_format(tmp_path):
    paths = [
        write_mmrec(tmp_path / "mmrec", ROWS[::-1]),
        write_lightgcn(tmp_path / "lightgcn", ROWS),
        write_table(tmp_path / "log.csv", ROWS),
        write_folder(tmp_path / "own", ROWS, items=[0, 1, 2, 3]),
    ]
    assert len({read_dataset(path).fingerprint for path in paths}) == 1
    changed = write_lightgcn(tmp_path / "changed", [*ROWS[:-1], (2, 2, 2)])
    assert read_dataset(changed).fingerprint != read_dataset(paths[0]).fingerprint


def test_features_are_loaded_by_name_only(tmp_path):
    folder = write_mmrec(tmp_path / "shop", ROWS)
    write_features(folder / "image_feat.npy", 4)
    (folder / "broken.npy").write_bytes(b"not an array")
    assert list(read_dataset(folder, features=["image"]).features) == ["image"]
    assert read_dataset(folder, features=[]).features == {}
    with pytest.raises(
        UnknownNameError, match=r"unknown features 'imag'; did you mean 'image'\? Available: broken, image"
    ):
        read_dataset(folder, features=["imag"])
    with pytest.raises(ArgumentError, match="must be a list"):
        read_dataset(folder, features="image")


def test_repeated_pairs_go_and_pairs_in_two_parts_are_told(tmp_path):
    rows = [(0, 0, 0), (0, 0, 0), (0, 0, 2), (1, 1, 0), (0, 0, 0)]
    dataset = read_dataset(write_mmrec(tmp_path / "shop", rows))
    assert [len(part) for part in dataset.parts().values()] == [2, 0, 1]
    assert "2 repeated user-item pairs dropped" in dataset.notes[0]
    assert "1 user-item pairs are in both train and test (first: user 0, item 0)" in dataset.notes[1]


def test_the_first_of_repeated_rows_stays(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("user_id,item_id,timestamp\na,x,5\nb,x,1\na,x,9\n")
    assert read_dataset(file).train.timestamp.tolist() == [5, 1]


def test_split_seed_and_core_are_applied(tmp_path):
    rows = [(user, item, 0) for user in range(12) for item in range(12)] + [(12, 0, 0), (0, 12, 2)]
    folder = write_mmrec(tmp_path / "shop", rows)
    write_features(folder / "image_feat.npy", 13)
    dataset = read_dataset(folder, split="ratio", seed=3, k_core=5)
    assert (dataset.num_users, dataset.num_items) == (12, 12)
    assert dataset.features["image"].num_items == 12
    assert [len(part) for part in dataset.parts().values()] == [120, 12, 12]
    assert dataset.split == "ratio (seed 3)"
    assert dataset.fingerprint == read_dataset(folder, split="ratio", seed=3, k_core=5).fingerprint
    assert dataset.fingerprint != read_dataset(folder, split="ratio", seed=4, k_core=5).fingerprint
    with pytest.raises(DataError, match="'k_core' of 50 leaves no interactions"):
        read_dataset(folder, k_core=50)
    with pytest.raises(UnknownNameError, match="did you mean 'ratio'"):
        read_dataset(folder, split="ratoi")


def test_unknown_format_and_path(tmp_path):
    with pytest.raises(DataError, match="nowhere: no such file or folder"):
        read_dataset(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"no known data format; looked for: interactions\.parquet"):
        read_dataset(tmp_path)
    with pytest.raises(UnknownNameError, match="unknown format 'mmrek'; did you mean 'mmrec'"):
        read_dataset(tmp_path, format="mmrek")
    folder = write_lightgcn(tmp_path / "both", ROWS)
    write_mmrec(folder, ROWS[:4])
    assert len(read_dataset(folder).train) == 3
    assert len(read_dataset(folder, format="lightgcn").train) == 5


def test_several_inter_files(tmp_path):
    folder = write_mmrec(tmp_path / "shop", ROWS, name="one")
    write_mmrec(folder, ROWS[:4], name="two")
    with pytest.raises(DataError, match=r"has several logs \(one, two\)"):
        read_dataset(folder)
    assert read_dataset(folder / "two.inter").name == "two"
    write_mmrec(folder, ROWS, name="shop")
    assert read_dataset(folder).name == "shop"
