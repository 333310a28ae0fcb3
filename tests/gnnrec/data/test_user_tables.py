"""Tables as people have them: what is meant is read, or what stands in the way is named; no row is lost in silence."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gnnrec.data import Dataset, read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.errors import ArgumentError, DataError

USERS, ITEMS = 12, 15
PAIRS = [(user, item) for user in range(USERS) for item in range(user % 3, ITEMS, 3)]


def rows(separator: str = ",", quote: str = "") -> list[str]:
    return [f"u{user}{separator}{quote}i{item}{quote}{separator}{1 + item % 5}" for user, item in PAIRS]


def written(path: Path, lines: list[str], encoding: str = "utf8") -> Path:
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def sizes(dataset: Dataset) -> tuple[int, int, int]:
    return dataset.num_users, dataset.num_items, sum(len(part) for part in dataset.parts().values())


WHOLE = (USERS, ITEMS, len(PAIRS))


@pytest.mark.parametrize("stray", ['"12 inch', '12" mix', '"Heroes" live', 'say "no"', '"'])
def test_a_stray_quote_swallows_no_row(stray: str, tmp_path: Path) -> None:
    lines = [*rows("\t")]
    lines[6] = lines[6].replace("i", f"{stray} i", 1)
    lines[40] = lines[40].replace("i", f"{stray} i", 1)
    path = written(tmp_path / "plays.tsv", ["user_id\titem_id\tplays", *lines])
    assert sizes(read_dataset(path))[2] == len(PAIRS)


def test_values_over_several_lines_are_whole_where_quotes_are(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", ["user,item,review", 'a,x,"two\nlines, ""quoted"""', "b,x,one", "b,y,one"])
    assert sizes(read_dataset(path)) == (2, 2, 3)


def test_a_quote_that_never_ends_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", ["user,item,review", "a,x,fine", 'b,x,"never, ended', "b,y,one"])
    with pytest.raises(DataError, match=r"log\.csv, row 3: a quote that begins here does not end"):
        read_dataset(path)


def test_items_with_stray_quotes_all_have_text(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", ["user,item,weight", *rows()])
    titles = [f"i{item}\t{chr(34) if item in (3, 9) else ''}Title {item}" for item in range(ITEMS)]
    items = written(tmp_path / "items.tsv", ["item_id\ttitle", *titles])
    catalog = content_catalog(read_dataset(log), templates={"text": "{title}"}, table=items)
    assert sum(text is not None for text in catalog.contents["text"]) == ITEMS


@pytest.mark.parametrize("encoding", ["utf8", "latin-1"])
def test_titles_of_movielens_are_utf8_or_latin1(encoding: str, tmp_path: Path) -> None:
    written(tmp_path / "ratings.dat", [f"{user + 1}::{item + 1}::5::97830{item:04d}" for user, item in PAIRS])
    written(tmp_path / "movies.dat", [f"{i + 1}::Café {i}, Les (1995)::Drama" for i in range(ITEMS)], encoding)
    dataset = read_dataset(tmp_path)
    assert dataset.catalog is not None and dataset.catalog["title"][0] == "Café 0, Les (1995)"


def test_a_file_without_header_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = written(tmp_path / "log.tsv", [f"{user}\t{100 + item}\t3\t16000{item:05d}" for user, item in PAIRS])
    with pytest.raises(DataError, match=r"row 1: looks like data and not like names of columns \(0, 100, 3, "):
        read_dataset(path)
    with pytest.raises(DataError, match="say --no-header --column user=1 --column item=2"):
        read_dataset(path, columns={"user": "0", "item": "100"})
    columns = {"user": "1", "item": "2", "weight": "3", "timestamp": "4"}
    dataset = read_dataset(path, header=False, columns=columns)
    assert sizes(dataset) == WHOLE and dataset.train.timestamp is not None


def test_names_that_are_numbers_in_order_are_names(tmp_path: Path) -> None:
    path = written(tmp_path / "log.csv", ["0,1", *(f"{user},{item}" for user, item in PAIRS)])
    assert sizes(read_dataset(path, columns={"user": "0", "item": "1"})) == WHOLE


def test_low_ratings_are_told_and_left_out_on_request(tmp_path: Path) -> None:
    lines = [f"u{user},hated,-1" for user in range(USERS)] + [f"u{u},i{i},4" for u, i in PAIRS]
    path = written(tmp_path / "log.csv", ["user,item,rating", *lines])
    dataset = read_dataset(path)
    assert len(dataset.train) == len(PAIRS) and dataset.num_items == ITEMS + 1
    assert any(
        "12 of 72 rows have a weight below 0, as dislikes have, and are left out" in note for note in dataset.notes
    )
    assert not any("every row counts" in note for note in dataset.notes)
    assert len(read_dataset(path, min_weight=-1.0).train) == 72
    zeros = written(tmp_path / "zeros.csv", ["user,item,rating", "a,x,0", "b,y,5"])
    assert any("1 rows have a 'rating' of 0 and count as taken" in note for note in read_dataset(zeros).notes)
    dataset = read_dataset(zeros, min_weight=0.5)
    assert any("1 of 2 rows have a weight below 0.5 and are left out" in note for note in dataset.notes)
    plain = written(tmp_path / "plain.csv", ["user,item", "a,x", "b,y"])
    with pytest.raises(ArgumentError, match="'min_weight' needs weights"):
        read_dataset(plain, min_weight=1.0)
    mixed = written(tmp_path / "mixed.csv", ["user,item,rating", "a,x,1", "b,y,5"])
    assert any(
        "every row counts as taken, whatever its 'rating' (1 to 5)" in note for note in read_dataset(mixed).notes
    )


def test_whole_floats_are_whole_numbers(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", ["user,item", *(f"{user}.0,{item}.0" for user, item in PAIRS)])
    dataset = read_dataset(log)
    assert dataset.users.is_integer and 3 in dataset.users
    items = written(tmp_path / "items.csv", ["item_id,title", *(f"{item},T{item}" for item in range(ITEMS))])
    catalog = content_catalog(dataset, templates={"text": "{title}"}, table=items)
    assert sum(text is not None for text in catalog.contents["text"]) == ITEMS
    mixed = written(tmp_path / "mixed.csv", ["user,item", "a,1.0", "b,1.5"])
    assert read_dataset(mixed).items.ids([0, 1]) == ["1.0", "1.5"]


def test_float_ids_of_a_folder_keep_titles(tmp_path: Path) -> None:
    pd.DataFrame(PAIRS, columns=["user_id", "item_id"]).to_parquet(tmp_path / "interactions.parquet")
    titles = {"item_id": np.arange(ITEMS, dtype=float), "title": [f"T{item}" for item in range(ITEMS)]}
    pd.DataFrame(titles).to_parquet(tmp_path / "items.parquet")
    dataset = read_dataset(tmp_path)
    assert dataset.catalog is not None and dataset.catalog["title"].tolist() == titles["title"]


def test_a_table_of_other_items_is_named(tmp_path: Path) -> None:
    log = written(tmp_path / "log.csv", ["user,item,weight", *rows()])
    items = written(tmp_path / "items.csv", ["item_id,title", "a,b", "c,d"])
    with pytest.raises(DataError, match="has none of the data's items"):
        content_catalog(read_dataset(log), templates={"text": "{title}"}, table=items)


def test_slips_of_ids_and_times_are_told(tmp_path: Path) -> None:
    blanks = [f"u{user}{' ' * (item % 2)},i{item}" for user, item in PAIRS]
    dataset = read_dataset(written(tmp_path / "blanks.csv", ["user,item", *blanks]))
    assert dataset.num_users == USERS and any("differ by blanks" in note for note in dataset.notes)
    dated = read_dataset(written(tmp_path / "dated.csv", ["user,item,timestamp", "a,x,20240116", "b,y,20240301"]))
    assert any("all times of 'timestamp' lie in 1970" in note for note in dated.notes)
    milli = read_dataset(
        written(tmp_path / "milli.csv", ["user,item,timestamp", "a,x,1600000000000", "b,y,1600000001000"])
    )
    assert milli.train.timestamp is not None and milli.train.timestamp.tolist() == [1600000000, 1600000001]
    hashes = np.array([2**63 + 5, 2**63 + 7, 2**63 + 5], dtype=np.uint64)
    pd.DataFrame({"user_id": hashes, "item_id": [1, 2, 3]}).to_parquet(tmp_path / "hashes.parquet")
    assert read_dataset(tmp_path / "hashes.parquet").users.ids([0]) == [str(2**63 + 5)]


def test_list_columns_are_texts_of_their_parts(tmp_path: Path) -> None:
    pd.DataFrame(PAIRS, columns=["user_id", "item_id"]).to_parquet(tmp_path / "interactions.parquet")
    features: list[Any] = [["soft", "red"] if item % 2 else [] for item in range(ITEMS)]
    table = {"item_id": range(ITEMS), "title": [f"T{item}" for item in range(ITEMS)], "features": features}
    pd.DataFrame(table).to_parquet(tmp_path / "items.parquet")
    dataset = read_dataset(tmp_path)
    assert content_catalog(dataset, templates={"text": "{title}"}).contents["text"][1] == "T1"
    texts = content_catalog(dataset, templates={"text": "{title} {features}"}).contents["text"]
    assert texts[:2] == ["T0", "T1 soft red"]


def as_json(named: dict[str, Any]) -> list[str]:
    return [
        json.dumps({**named, "user_id": f"u{user}", "parent_asin": f"i{item}", "rating": 5.0}) for user, item in PAIRS
    ]


LAYOUTS: dict[str, Any] = {
    "ml-100k/u.data": [f"{u + 1}\t{i + 1}\t4\t881250{i:03d}" for u, i in PAIRS],
    "ml-1m/ratings.dat": [f"{u + 1}::{i + 1}::5::978300{i:03d}" for u, i in PAIRS],
    "ml-25m/ratings.csv": [
        "userId,movieId,rating,timestamp",
        *(f"{u + 1},{i + 1},3.5,1147880{i:03d}" for u, i in PAIRS),
    ],
    "amazon2023/All_Beauty.jsonl": as_json({"title": "x", "images": [], "timestamp": 1588687728923, "verified": True}),
    "amazon2023/All_Beauty.csv": [
        "user_id,parent_asin,rating,timestamp",
        *(f"u{u},i{i},5.0,1588687728{i:03d}" for u, i in PAIRS),
    ],
    "amazon2018/reviews.json": [
        json.dumps({"reviewerID": f"u{u}", "asin": f"i{i}", "overall": 5.0, "unixReviewTime": 1400000000})
        for u, i in PAIRS
    ],
    "amazon2014/reviews.json": [
        str({"reviewerID": f"u{u}", "asin": f"i{i}", "helpful": [0, 0], "overall": 5.0, "unixReviewTime": 1400000000})
        for u, i in PAIRS
    ],
    "yelp/review.json": [
        json.dumps(
            {"review_id": "r", "user_id": f"u{u}", "business_id": f"i{i}", "stars": 4.0, "date": "2018-07-07 22:09:11"}
        )
        for u, i in PAIRS
    ],
    "steam/steam_reviews.json": [str({"user_id": f"u{u}", "product_id": f"i{i}", "hours": 1.5}) for u, i in PAIRS],
    "microlens/pairs.csv": ["user,item,timestamp", *(f"{u},{i},1583378629552" for u, i in PAIRS)],
    "recbole/lastfm.inter": [
        "user_id:token\tartist_id:token\tweight:float",
        *(f"{u}\t{i}\t{1 + i}" for u, i in PAIRS),
    ],
    "recbole/steam.inter": [
        "user_id:token\tproduct_id:token\tplay_hours:float\ttimestamp:float",
        *(f"{u}\t{i}\t1.5\t1500000000" for u, i in PAIRS),
    ],
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_published_layouts(layout: str, zipped: bool, tmp_path: Path) -> None:
    path = tmp_path / layout
    path.parent.mkdir()
    content = ("\n".join(LAYOUTS[layout]) + "\n").encode()
    plain = path.name in ("u.data", "ratings.dat") or path.suffix == ".inter"
    if zipped and not plain:
        path = path.with_name(path.name + ".gz")
        content = gzip.compress(content)
    path.write_bytes(content)
    assert sizes(read_dataset(path)) == WHOLE


SAID: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "user_artists.dat": (
        ["userID\tartistID\tweight", *(f"{u}\t{i}\t{1 + i}" for u, i in PAIRS)],
        {"format": "table"},
        "utf8",
    ),
    "usersha1-artmbid-artname-plays.tsv": (
        [f'{u:040x}\t{"" if i % 2 else f"mbid-{i}"}\tThe "{i}"\t{1 + i}' for u, i in PAIRS],
        {"header": False, "columns": {"user": "1", "item": "3", "weight": "4"}},
        "utf8",
    ),
    "BX-Book-Ratings.csv": (
        ['"User-ID";"ISBN";"Book-Rating"', *(f'"{u}";"é{i}";"{i % 11}"' for u, i in PAIRS)],
        {"delimiter": ";", "encoding": "latin-1"},
        "latin-1",
    ),
    "ratings_Beauty.csv": (
        [f"u{u},i{i},5.0,1400000000" for u, i in PAIRS],
        {"header": False, "columns": {"user": "1", "item": "2", "weight": "3", "timestamp": "4"}},
        "utf8",
    ),
    "All_Beauty_2018.csv": (
        [f"i{i},u{u},5.0,1400000000" for u, i in PAIRS],
        {"header": False, "columns": {"item": "1", "user": "2", "weight": "3", "timestamp": "4"}},
        "utf8",
    ),
    "steam-200k.csv": (
        [f'{u},"Game, {i}",play,1.5,0' for u, i in PAIRS],
        {"header": False, "columns": {"user": "1", "item": "2", "weight": "4"}},
        "utf8",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_layouts_of_which_something_must_be_said(name: str, tmp_path: Path) -> None:
    lines, said, encoding = SAID[name]
    assert sizes(read_dataset(written(tmp_path / name, lines, encoding), **said)) == WHOLE


def test_movielens_100k_with_its_items_and_latin1(tmp_path: Path) -> None:
    written(tmp_path / "u.data", LAYOUTS["ml-100k/u.data"])
    flags = "|".join("0" * 19)
    movies = [f"{i + 1}|Café {i} (1995)|01-Jan-1995||http://x|{flags}" for i in range(ITEMS)]
    written(tmp_path / "u.item", movies, "latin-1")
    dataset = read_dataset(tmp_path)
    assert sizes(dataset) == WHOLE and dataset.catalog is not None and dataset.catalog["title"][0] == "Café 0 (1995)"


def test_folders_of_tables(tmp_path: Path) -> None:
    frame = pd.DataFrame([(f"u{u}", f"i{i}") for u, i in PAIRS], columns=["user_id", "item_id"])
    (tmp_path / "shards").mkdir()
    frame[:30].to_parquet(tmp_path / "shards" / "train-00000-of-00002.parquet")
    frame[30:].to_parquet(tmp_path / "shards" / "train-00001-of-00002.parquet")
    assert sizes(read_dataset(tmp_path / "shards")) == WHOLE
    (tmp_path / "split").mkdir()
    for name, part in (("train", frame[:40]), ("val", frame[40:50]), ("test", frame[50:])):
        part.to_csv(tmp_path / "split" / f"{name}.tsv", sep="\t", index=False)
    assert [len(part) for part in read_dataset(tmp_path / "split").parts().values()] == [40, 10, 10]


def test_a_sparse_matrix(tmp_path: Path) -> None:
    user, item = np.array(PAIRS).T
    sparse.save_npz(tmp_path / "m.npz", sparse.csr_matrix((np.ones(len(PAIRS)), (user, item)), (USERS, ITEMS)))
    assert sizes(read_dataset(tmp_path / "m.npz")) == WHOLE
    np.savez(tmp_path / "other.npz", x=np.ones(3))
    with pytest.raises(DataError, match="must be a sparse matrix"):
        read_dataset(tmp_path / "other.npz")


def test_frames_of_pandas() -> None:
    frame = pd.DataFrame([(f"u{u}", 10 * i, 1600000000 + i) for u, i in PAIRS], columns=["who", "what", "when"])
    dataset = Dataset.from_frame(
        frame,
        user="who",
        item="what",
        timestamp="when",
        items=pd.DataFrame({"what": [0, 10], "title": ["zero", "ten"]}),
        features={"image": pd.DataFrame(np.eye(3), index=[20, 0, 999])},
    )
    assert sizes(dataset) == WHOLE and dataset.items.is_integer
    assert dataset.catalog is not None and dataset.catalog["title"][:2].tolist() == ["zero", "ten"]
    image = dataset.features["image"]
    assert image.mask.nonzero().flatten().tolist() == [0, 2] and image.x[2].tolist() == [1.0, 0.0, 0.0]
    assert sizes(read_dataset(frame.rename(columns={"who": "user_id", "what": "item_id"}))) == WHOLE
    with pytest.raises(DataError, match="must be indexed by item ids"):
        Dataset.from_frame(
            frame, user="who", item="what", features={"image": pd.DataFrame(np.eye(2), index=["a", "b"])}
        )
    with pytest.raises(DataError, match="no column for the user ids"):
        read_dataset(frame)


def test_missing_values_and_whole_numbers_in_templates() -> None:
    items = pd.DataFrame({"item_id": [1, 2, 3], "year": pd.array([1999, None, 2001], dtype="Int64")})
    items["label"] = pd.array(["a", None, "c"], dtype="string")
    dataset = Dataset.from_frame(pd.DataFrame({"user_id": [1, 1, 1], "item_id": [1, 2, 3]}), items=items)
    assert content_catalog(dataset, templates={"text": "{label} {year}"}).contents["text"] == ["a 1999", None, "c 2001"]


@pytest.mark.parametrize(("factor", "unit"), [(10**3, "milli"), (10**6, "micro"), (10**9, "nano")])
def test_times_of_finer_units(factor: int, unit: str, tmp_path: Path) -> None:
    lines = ["user,item,timestamp", f"a,x,{1600000000 * factor}", "b,y,0"]
    dataset = read_dataset(written(tmp_path / "log.csv", lines))
    assert dataset.train.timestamp is not None and dataset.train.timestamp.tolist() == [1600000000, 0]
    assert any(f"taken for {unit}seconds" in note for note in dataset.notes)


@pytest.mark.parametrize("said", [{"encoding": "hex"}, {"encoding": "a\0b"}, {"delimiter": ""}, {"encoding": "none"}])
def test_what_cannot_be_said_of_a_table_is_named(said: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=next(iter(said))):
        read_dataset(written(tmp_path / "log.csv", ["user,item", "a,x"]), **said)


def test_dislikes_alone_are_told(tmp_path: Path) -> None:
    dataset = read_dataset(written(tmp_path / "log.csv", ["user,item,rating", "a,x,-1", "b,y,-2"]))
    assert any("all weights are below 0" in note for note in dataset.notes)


def test_a_delimiter_of_several_bytes(tmp_path: Path) -> None:
    assert sizes(read_dataset(written(tmp_path / "log.csv", ["user§item", "a§x", "b§y"]), delimiter="§")) == (2, 2, 2)
