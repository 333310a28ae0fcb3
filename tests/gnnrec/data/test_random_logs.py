"""Random logs written in each format are read back as they were."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from log_files import PARTS, rows_of, write_folder, write_lightgcn, write_mmrec, write_recbole, write_table

from gnnrec.data import read_dataset, write_dataset

LOGS = st.dictionaries(
    st.tuples(st.integers(0, 30), st.integers(0, 40)), st.integers(0, 2), min_size=1, max_size=60
).map(lambda parts: [(0, 0, 0), *((user, item, part) for (user, item), part in parts.items() if user + item)])
TEXT_IDS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\x00"), min_size=1, max_size=6)


def expected(rows):
    return sorted((str(user), str(item), PARTS[part]) for user, item, part in rows)


@settings(max_examples=25, deadline=None)
@given(LOGS)
def test_position_formats(rows):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = (max(user for user, _, _ in rows) + 1, max(item for _, item, _ in rows) + 1)
        for path in (write_mmrec(folder / "mmrec", rows), write_lightgcn(folder / "lightgcn", rows)):
            dataset = read_dataset(path)
            assert rows_of(dataset) == expected(rows)
            assert (dataset.num_users, dataset.num_items) == sizes


@settings(max_examples=25, deadline=None)
@given(LOGS)
def test_external_formats(rows):
    items = sorted({item for _, item, _ in rows}, reverse=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = [write_recbole(folder / "recbole", rows), write_folder(folder / "own", rows, items)]
        paths += [write_table(folder / f"log{suffix}", rows) for suffix in (".csv", ".tsv", ".parquet")]
        for path in paths:
            dataset = read_dataset(path)
            assert rows_of(dataset) == expected(rows)
            assert dataset.num_items == len(items)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(TEXT_IDS, TEXT_IDS), min_size=1, max_size=30, unique=True))
def test_text_ids_survive_tables_and_own_folder(pairs):
    import pandas as pd

    frame = pd.DataFrame(pairs, columns=["user_id", "item_id"])
    with tempfile.TemporaryDirectory() as name:
        for file in (Path(name) / "log.csv", Path(name) / "log.parquet"):
            frame.to_csv(file, index=False) if file.suffix == ".csv" else frame.to_parquet(file, index=False)
            dataset = read_dataset(file)
            assert rows_of(dataset) == sorted((user, item, "train") for user, item in pairs)
            again = read_dataset(write_dataset(dataset, Path(name) / f"own{file.suffix}"))
            assert again.fingerprint == dataset.fingerprint
