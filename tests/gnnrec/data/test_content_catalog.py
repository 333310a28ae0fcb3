"""What of a data set can be encoded, and whether features are still of it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from encoders import create_encoder
from encoders.store import EncodeOptions, encode_catalog
from gnnrec.data import Dataset, read_dataset
from gnnrec.data.content_catalog import content_catalog, content_folder, stale_reason
from gnnrec.data.feature_file import find_feature_files
from gnnrec.errors import ArgumentError, DataError, UnknownNameError

HERE = EncodeOptions(workers=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    (folder / "images").mkdir(parents=True)
    for place in range(3):
        noise = np.random.default_rng(place).integers(0, 256, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "images" / f"{place}.png")
    table = {
        "item_id": ["a", "b", "c", "d"],
        "title": ["Sea", "Rain", None, "Stone"],
        "text": ["of the sea", "  ", None, "of stone"],
        "image": ["images/0.png", None, "images/1.png", "images/2.png"],
        "year": [1999, 2004, 2011, 2020],
    }
    pd.DataFrame(table).to_parquet(folder / "items.parquet")
    log = pd.DataFrame({"user_id": ["u", "u", "v", "v"], "item_id": ["d", "a", "b", "c"]})
    log.to_parquet(folder / "interactions.parquet")
    return folder


@pytest.fixture
def dataset(folder: Path) -> Dataset:
    return read_dataset(folder)


def encode(folder: Path, encoder: str, **options: object) -> Path:
    catalog = content_catalog(read_dataset(folder, features=()), **options)  # type: ignore[arg-type]
    path = encode_catalog(create_encoder(encoder), catalog, folder / "features", options=HERE).path
    assert path is not None
    return path


def rewrite(folder: Path, **columns: list[object]) -> None:
    table = pd.read_parquet(folder / "items.parquet")
    for name, values in columns.items():
        table[name] = values
    table.to_parquet(folder / "items.parquet")


def test_columns_of_the_items(dataset: Dataset, folder: Path) -> None:
    catalog = content_catalog(dataset)
    assert catalog.root == folder and catalog.item_ids == ["a", "b", "c", "d"]
    assert catalog.contents == {
        "image": ["images/0.png", None, "images/1.png", "images/2.png"],
        "text": ["of the sea", None, None, "of stone"],
    }
    assert catalog.sources == {"image": "column", "text": "column"}


def test_templates(dataset: Dataset) -> None:
    templates = {"text": "{title} ({year}). {text}", "image": "posters/{title}.jpg", "audio": "{item_id}.wav"}
    catalog = content_catalog(dataset, templates=templates)
    assert catalog.contents["text"] == ["Sea (1999). of the sea", "Rain (2004).", "(2011).", "Stone (2020). of stone"]
    assert catalog.contents["image"] == ["posters/Sea.jpg", "posters/Rain.jpg", None, "posters/Stone.jpg"]
    assert catalog.contents["audio"] == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert catalog.sources["text"] == "template {title} ({year}). {text}"


def test_texts_of_nothing_but_missing_columns_are_absent(dataset: Dataset) -> None:
    assert content_catalog(dataset, templates={"text": "{title}: {text}"}).contents["text"] == [
        "Sea: of the sea",
        "Rain:",
        None,
        "Stone: of stone",
    ]


def test_a_further_table_fills_templates(dataset: Dataset, tmp_path: Path) -> None:
    table = tmp_path / "plots.tsv"
    table.write_text("id\tplot\ttext\nd\ta stone falls\tother\nx\tnobody\tknows\n")
    catalog = content_catalog(dataset, templates={"audio": "{plot}.wav"}, table=table)
    assert catalog.contents["audio"] == [None, None, None, "a stone falls.wav"]
    assert catalog.contents["text"] == [None, None, None, "other"]
    assert catalog.sources["text"] == f"column of {table}"


def test_whole_numbers_as_ids(tmp_path: Path) -> None:
    pd.DataFrame({"user_id": [1, 1, 2], "item_id": [7, 12, 7]}).to_csv(tmp_path / "log.csv", index=False)
    (tmp_path / "files").mkdir()
    dataset = read_dataset(tmp_path / "log.csv")
    catalog = content_catalog(dataset, templates={"image": "images/{item_id}.png"}, root=tmp_path / "files")
    assert catalog.contents == {"image": ["images/7.png", "images/12.png"]} and catalog.root == tmp_path / "files"
    assert content_folder(dataset) == tmp_path


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ({"smell": "{title}"}, "'templates' must be of image, text, audio, video"),
        ({"text": "{titel}, {year}, {plot}"}, r"unknown: titel, plot; there are: item_id, title, text, image, year"),
        ({"text": "no column"}, "must name columns"),
        ({"text": "{}"}, "must name columns"),
        ({"text": "{title"}, "expected '}' before end of string"),
        ({"text": "title}"}, "Single '}' encountered"),
        ({"text": "{title.upper}"}, "unknown: title.upper"),
        ({"text": "{title[0]}"}, r"unknown: title\[0\]"),
        ({"text": "{year:04d}"}, r"template '\{year:04d\}' of text: Unknown format code 'd'"),
        ({"text": "{title!z}"}, r"template '\{title!z\}' of text: "),
        ({"text": "{title:{width}}"}, r"template '\{title:\{width\}\}' of text: 'width'"),
    ],
)
def test_bad_templates(dataset: Dataset, templates: dict[str, str], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        content_catalog(dataset, templates=templates)


def test_tables_that_cannot_be_used(dataset: Dataset, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("title\nSea\n")
    with pytest.raises(DataError, match="no column for the item ids"):
        content_catalog(dataset, table=table)
    table.write_text("item_id,title\na,Sea\na,Rain\n")
    with pytest.raises(DataError, match=r"ids must be unique \(got 'a' again\)"):
        content_catalog(dataset, table=table)
    with pytest.raises(DataError, match="no such file"):
        content_catalog(dataset, table=tmp_path / "table.xls")


def test_a_root_that_is_no_folder(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"'root' must be a folder \(got .*nowhere\)"):
        content_catalog(dataset, root=tmp_path / "nowhere")


def test_data_without_contents(dataset: Dataset) -> None:
    with pytest.raises(ArgumentError, match=r"nothing to encode; .* \(columns: item_id\)"):
        content_catalog(replace(dataset, catalog=None))


def test_fresh_features_have_no_reason(folder: Path) -> None:
    encode(folder, "colour-histogram")
    encode(folder, "hashed-words")
    for picture in folder.glob("images/*"):
        os.utime(picture, (5, 5))
    dataset = read_dataset(folder)
    assert dataset.stale == {} and dataset.features.keys() == {"colour-histogram", "hashed-words"}


def test_changed_contents_are_a_note_and_an_error_when_used(folder: Path) -> None:
    encode(folder, "colour-histogram")
    encode(folder, "hashed-words")
    rewrite(folder, text=["of the sea", "at last a text", None, "of stone"])
    dataset = read_dataset(folder)
    reason = dataset.stale["hashed-words"]
    assert dataset.stale.keys() == {"hashed-words"} and reason in dataset.notes
    assert "the text of 1 items has changed (b)" in reason
    assert reason.endswith(f"gnnrec encode {folder} --encoder hashed-words --modality text")
    with pytest.raises(DataError, match="the text of 1 items has changed"):
        dataset.select_features(["hashed-words"])
    assert dataset.select_features(["colour-histogram"]).keys() == {"colour-histogram"}
    assert read_dataset(folder, k_core=1).stale.keys() == {"hashed-words"}


def test_other_items_are_a_note_where_the_features_are_not_asked_for(folder: Path) -> None:
    encode(folder, "hashed-words")
    added = pd.DataFrame([{"item_id": "e", "text": "new"}])
    pd.concat([pd.read_parquet(folder / "items.parquet"), added]).to_parquet(folder / "items.parquet")
    dataset = read_dataset(folder)
    assert dataset.features == {} and dataset.feature_names() == ["hashed-words"]
    assert any("made for other items or another order of them" in note for note in dataset.notes)
    with pytest.raises(DataError, match="gnnrec encode PATH --encoder hashed-words"):
        dataset.select_features(["hashed-words"])
    with pytest.raises(UnknownNameError, match="did you mean 'hashed-words'"):
        dataset.select_features(["hashed-word"])
    with pytest.raises(DataError, match="made for other items"):
        read_dataset(folder, features=["hashed-words"])


def test_a_template_of_the_own_table_is_compared(folder: Path) -> None:
    encode(folder, "hashed-words", templates={"text": "{title}"})
    assert read_dataset(folder).stale == {}
    rewrite(folder, title=["other", None, None, None])
    assert "encode again" in read_dataset(folder).stale["hashed-words"]


def test_contents_given_by_hand_are_not_compared(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (folder / "images").rename(tmp_path / "files" / "images")
    path = encode(folder, "colour-histogram", root=tmp_path / "files")
    rewrite(folder, title=["other"] * 4)
    assert read_dataset(folder).stale == {}
    (file,) = find_feature_files(path.parent)
    dataset = read_dataset(folder, features=())
    header = file.load(dataset.items)[1]
    assert header["source"] == f"column of {tmp_path / 'files'}"
    assert stale_reason(path, header, folder, dataset.items, dataset.catalog) is None


def test_texts_are_compared_wherever_files_are(folder: Path, tmp_path: Path) -> None:
    encode(folder, "hashed-words", root=tmp_path)
    assert read_dataset(folder).stale == {}
    rewrite(folder, text=["changed", None, None, None])
    assert read_dataset(folder).stale.keys() == {"hashed-words"}


def test_files_of_others_have_no_reason(folder: Path, dataset: Dataset) -> None:
    header = {"name": "whisper", "item_id_hash": "0"}
    assert stale_reason(folder / "nowhere", header, folder, dataset.items, dataset.catalog) is None


def test_how_to_encode_again_names_the_folder_and_the_template(folder: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pt"
    torch.save({}, weights)
    catalog = content_catalog(read_dataset(folder), templates={"text": "{title}: {text}"})
    out = tmp_path / "out"
    encode_catalog(create_encoder("hashed-words"), catalog, out, options=HERE, weights=weights)
    torch.save({"changed": True}, weights)
    (reason,) = read_dataset(folder, feature_folder=out).stale.values()
    command = f"--encoder hashed-words --modality text --text '{{title}}: {{text}}' --out {out} --weights {weights}"
    assert reason.endswith(f"gnnrec encode {folder} {command}")
