"""Writing gnnrec's own folder and reading it back."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from log_files import rows_of, write_features, write_mmrec
from safetensors import safe_open

from gnnrec.data import (
    Dataset,
    IdMap,
    Interactions,
    ItemFeatures,
    feature_file,
    read_dataset,
    write_dataset,
    writing,
)
from gnnrec.data.feature_file import item_id_hash
from gnnrec.errors import ArgumentError, DataError


def make_dataset(features=("whisper", "clip.image", "clip.text", "image", "v1.5"), **options) -> Dataset:
    def part(*rows):
        user, item, time = torch.tensor(rows, dtype=torch.int64).reshape(-1, 3).T
        return Interactions(user, item, 4, 3, timestamp=time, weight=item / 3)

    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([True, False, True])
    return Dataset(
        train=part((3, 0, 5), (0, 2, 9), (0, 0, 1)),
        valid=part(),
        test=part((1, 1, 7)),
        users=IdMap(["zoe", "b", "nobody", "Äda"], "user"),
        items=IdMap(["y", "x", "z"], "item"),
        features={
            name: ItemFeatures(torch.randn(3, 2, generator=generator) * mask[:, None], mask) for name in features
        },
        **options,
    )


def test_round_trip(tmp_path):
    dataset = make_dataset()
    folder = write_dataset(dataset, tmp_path / "deep" / "own")
    again = read_dataset(folder)
    assert again.fingerprint == dataset.fingerprint
    assert rows_of(again) == rows_of(dataset)
    assert again.users == dataset.users
    assert again.items == dataset.items
    assert again.train.weight.dtype == torch.float32
    assert again.split == "given"
    assert sorted(path.name for path in (folder / "features").iterdir()) == [
        "clip.image.safetensors",
        "clip.text.safetensors",
        "image.image.safetensors",
        "v1.5.unknown.safetensors",
        "whisper.audio.safetensors",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["own"]


def test_a_converted_mmrec_folder_is_the_same_data(tmp_path):
    rows = [(0, 3, 0), (2, 1, 0), (2, 3, 2), (2, 0, 1)]
    folder = write_mmrec(tmp_path / "shop", rows)
    write_features(folder / "image_feat.npy", 4)
    (folder / "names.tsv").write_text("itemID\tname\n1\tone\n")
    dataset = read_dataset(folder)
    again = read_dataset(write_dataset(dataset, tmp_path / "own"))
    assert again.fingerprint == dataset.fingerprint
    assert again.num_users == 3  # user 1 has no interactions
    assert again.catalog["title"].isna().tolist() == [True, False, True, True]
    assert again.split == "given"


def test_unsplit_data_stay_unsplit(tmp_path):
    (tmp_path / "log.csv").write_text("user_id,item_id\n1,2\n2,2\n")
    dataset = read_dataset(tmp_path / "log.csv")
    again = read_dataset(write_dataset(dataset, tmp_path / "own"))
    assert (again.split, again.fingerprint) == ("none", dataset.fingerprint)


def test_header_of_features(tmp_path):
    dataset = make_dataset(feature_info={"whisper": {"encoder": "whisper", "weights_hash": "abc", "item_ids": "[]"}})
    folder = write_dataset(dataset, tmp_path / "own")
    with safe_open(folder / "features" / "whisper.audio.safetensors", "pt") as file:
        header = file.metadata()
    assert header == {
        "encoder": "whisper",
        "modality": "audio",
        "weights_hash": "abc",
        "preprocessing": "unknown",
        "name": "whisper",
        "dim": "2",
        "item_id_hash": item_id_hash(dataset.items),
        "gnnrec_version": writing.gnnrec.__version__,
    }
    assert read_dataset(folder).feature_info["whisper"]["weights_hash"] == "abc"


def test_features_of_other_programs_are_called_by_their_file(tmp_path):
    folder = write_dataset(make_dataset(features=()), tmp_path / "own")
    (folder / "features").mkdir()
    values = ItemFeatures(torch.ones(3, 2), torch.ones(3, dtype=torch.bool))
    for name in ("clip.image", "clip.text", "whisper.audio"):
        feature_file.write_feature_file(folder / "features" / f"{name}.safetensors", values, {})
    assert sorted(read_dataset(folder).features) == ["clip.image", "clip.text", "whisper"]
    header = {"name": "whisper"}
    feature_file.write_feature_file(folder / "features" / "x.text.safetensors", values, header)
    with pytest.raises(DataError, match="features 'whisper' are in another file too"):
        read_dataset(folder)


def test_aligned_features_lose_their_id_list(tmp_path):
    folder = write_dataset(make_dataset(features=()), tmp_path / "own")
    (folder / "features").mkdir()
    values = ItemFeatures(torch.tensor([[5.0], [6.0]]), torch.ones(2, dtype=torch.bool))
    header = {"item_ids": json.dumps(["z", "other"])}
    feature_file.write_feature_file(folder / "features" / "a.text.safetensors", values, header)
    dataset = read_dataset(folder)
    assert dataset.features["a"].x.flatten().tolist() == [0.0, 0.0, 5.0]
    again = read_dataset(write_dataset(dataset, tmp_path / "again"))
    assert again.fingerprint == dataset.fingerprint


def test_content_is_not_overwritten(tmp_path):
    folder = write_dataset(make_dataset(), tmp_path / "own")
    with pytest.raises(DataError, match="has content already"):
        write_dataset(make_dataset(), folder)
    smaller = make_dataset(features=("whisper",))
    write_dataset(smaller, folder, force=True)
    assert read_dataset(folder).fingerprint == smaller.fingerprint
    (folder / "cover.png").write_bytes(b"precious")
    with pytest.raises(DataError, match=r"holds more than data that gnnrec wrote \(cover.png\)"):
        write_dataset(smaller, folder, force=True)
    assert (folder / "cover.png").read_bytes() == b"precious"
    with pytest.raises(DataError, match="must be a folder"):
        write_dataset(smaller, folder / "cover.png")
    (tmp_path / "empty").mkdir()
    write_dataset(smaller, tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "own"]


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    folder = write_dataset(make_dataset(), tmp_path / "own")
    monkeypatch.setattr(writing, "write_feature_file", fail)
    with pytest.raises(OSError, match="disk full"):
        write_dataset(make_dataset(), folder, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["own"]
    assert read_dataset(folder).fingerprint == make_dataset().fingerprint


def test_paths_of_the_catalog_follow(tmp_path):
    source = tmp_path / "source"
    (source / "pictures").mkdir(parents=True)
    (source / "pictures" / "x.png").write_bytes(b"png")
    catalog = pd.DataFrame(
        {
            "item_id": ["y", "x", "z"],
            "image": [None, "pictures/x.png", "/abs/z.png"],
            "text": ["a/b", None, "c"],
        }
    )
    dataset = make_dataset(catalog=catalog, source=str(source))
    folder = write_dataset(dataset, tmp_path / "far" / "own")
    again = read_dataset(folder).catalog
    assert (folder / again["image"][1]).read_bytes() == b"png"
    assert again["image"][2] == "/abs/z.png"
    assert pd.isna(again["image"][0])
    assert again["text"].tolist()[::2] == ["a/b", "c"]
    assert catalog["image"][1] == "pictures/x.png"


def test_columns_of_some_parts_only(tmp_path):
    dataset = make_dataset(features=())
    bare = Interactions(dataset.test.user, dataset.test.item, 4, 3, weight=dataset.test.weight)
    mixed = Dataset(dataset.train, dataset.valid, bare, dataset.users, dataset.items)
    with pytest.raises(ArgumentError, match=r"'timestamp' must be in all parts or in none \(missing in test\)"):
        write_dataset(mixed, tmp_path / "own")
    assert list(tmp_path.iterdir()) == []


def test_precise_weights_stay(tmp_path):
    user = torch.tensor([0, 1])
    part = Interactions(user, user, 2, 2, weight=torch.tensor([0.1, 1 / 3], dtype=torch.float64))
    empty = Interactions(user[:0], user[:0], 2, 2)
    dataset = Dataset(part, empty, empty, IdMap([5, 3], "user"), IdMap([2**62, 1], "item"))
    again = read_dataset(write_dataset(dataset, tmp_path / "own"))
    assert np.array_equal(again.train.weight.numpy(), part.weight.numpy())
    assert again.fingerprint == dataset.fingerprint
