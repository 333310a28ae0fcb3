import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from PIL import Image
from safetensors import safe_open

import gnnrec
from encoders.statistics import STATISTICS
from gnnrec.data import ItemFeatures, read_dataset
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.encoding import encode_items
from gnnrec.errors import ArgumentError
from gnnrec.evaluation import EvalOptions, Evaluation, evaluate
from graphs import BipartiteGraph


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "data"
    written = write_demo_catalog(folder)
    for name in STATISTICS:
        encode_items(folder, name)
    return written


@pytest.fixture(scope="module")
def dataset(catalog):
    return read_dataset(catalog.folder)


def contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


class ProfileScorer:
    """Cosine of the mean of a user's training items with every item."""

    def __init__(self, graph: BipartiteGraph, features: ItemFeatures) -> None:
        centred = features.x - features.x[features.mask].mean(dim=0)
        self.item = torch.nn.functional.normalize(centred) * features.mask[:, None]
        user, item = graph.edge_index
        profile = torch.zeros(graph.num_users, features.dim).index_add_(0, user, self.item[item])
        self.user = torch.nn.functional.normalize(profile)

    def score(self, users: torch.Tensor) -> torch.Tensor:
        return self.user[users] @ self.item.T


class PopularityScorer:
    def __init__(self, graph: BipartiteGraph) -> None:
        self.degree = graph.item_degree.float()

    def score(self, users: torch.Tensor) -> torch.Tensor:
        return self.degree.repeat(users.numel(), 1)


def run(dataset, scorer) -> Evaluation:
    graph = BipartiteGraph.from_interactions(dataset.train)
    return evaluate(scorer, graph, dataset.test, EvalOptions(ks=(20,), beyond_accuracy=False))


def cold_recall(evaluation: Evaluation) -> float:
    return evaluation.by_item_count[0]["recall@20"]


def test_reads_as_a_data_set_with_three_modalities(catalog, dataset):
    assert (dataset.num_users, dataset.num_items) == (400, 300)
    assert {name: len(part) for name, part in dataset.parts().items()} == catalog.interactions
    assert list(dataset.items.array[:2]) == ["item-0000", "item-0001"]
    assert set(dataset.features) == set(STATISTICS)
    for name, modality in STATISTICS.items():
        missing = int((~dataset.features[name].mask).sum())
        assert missing == catalog.missing[modality] and 0.05 < missing / 300 < 0.2
    covered = torch.stack([features.mask for features in dataset.features.values()])
    assert covered.any(dim=0).all()


def test_files_are_what_the_table_says(catalog):
    table = pd.read_parquet(catalog.folder / "items.parquet")
    assert list(table.columns) == ["item_id", "title", "text", "image", "audio"]
    assert table["title"].is_unique and table["title"].notna().all()
    on_disk = {f"{path.parent.name}/{path.name}" for path in catalog.folder.glob("*/item-*")}
    assert set(table["image"].dropna()) | set(table["audio"].dropna()) == on_disk
    with Image.open(catalog.folder / table["image"].dropna().iloc[0]) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (128, 128))
    for path in table["audio"].dropna():
        info = soundfile.info(str(catalog.folder / path))
        assert (info.samplerate, info.channels, info.subtype, info.frames) == (16_000, 1, "PCM_16", 16_000)


def test_new_items_are_in_the_test_part_only_and_time_runs_forward(catalog):
    log = pd.read_parquet(catalog.folder / "interactions.parquet")
    assert len(catalog.new_items) == 30
    assert set(log.loc[log["item_id"].isin(catalog.new_items), "split"]) == {"test"}
    assert not log.duplicated(["user_id", "item_id"]).any()
    times = log.groupby(["user_id", "split"])["timestamp"]
    first, last = times.min().unstack(), times.max().unstack()
    assert (last["train"] <= first["valid"].fillna(np.inf)).all()
    assert (last[["train", "valid"]].max(axis=1) <= first["test"]).all()
    taken = log[log["split"] == "train"].groupby("user_id").size()
    short = taken.index.isin(catalog.short_users)
    assert short.sum() == 16 and taken[short].between(2, 4).all() and taken[~short].between(10, 18).all()


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        write_demo_catalog(tmp_path / name, num_users=20, num_items=80, seed=seed)
    first = contents(tmp_path / "first")
    assert len(first) > 130
    assert contents(tmp_path / "again") == first
    other = contents(tmp_path / "other")
    assert not {path for path in first.keys() & other.keys() if first[path] == other[path]}


def test_feature_files_state_where_they_come_from(catalog):
    for name, modality in STATISTICS.items():
        with safe_open(catalog.folder / "features" / f"{name}.{modality}.safetensors", framework="pt") as file:
            header = file.metadata()
            assert header["dim"] == str(file.get_tensor("x").shape[1])
        assert (header["encoder"], header["modality"], header["weights_hash"]) == (name, modality, "none")
        assert header["gnnrec_version"] == gnnrec.__version__ and header["preprocessing"]


@pytest.mark.parametrize("name", STATISTICS)
def test_content_tells_tastes(dataset, name):
    graph = BipartiteGraph.from_interactions(dataset.train)
    features = dataset.features[name]
    order = torch.randperm(dataset.num_items, generator=torch.Generator().manual_seed(0))
    popularity = run(dataset, PopularityScorer(graph))
    content = run(dataset, ProfileScorer(graph, features))
    shuffled = run(dataset, ProfileScorer(graph, ItemFeatures(features.x[order], features.mask[order])))
    # Chance is 20 of about 286 unseen items: 0.07.
    assert content.metrics["recall@20"] > popularity.metrics["recall@20"] + 0.1
    assert shuffled.metrics["recall@20"] < 0.11
    assert cold_recall(content) > 0.2
    assert cold_recall(shuffled) < 0.12 and cold_recall(popularity) == 0


def test_popularity_is_above_chance_and_its_skew_is_mild(dataset):
    graph = BipartiteGraph.from_interactions(dataset.train)
    assert 0.1 < run(dataset, PopularityScorer(graph)).metrics["recall@20"] < 0.2
    degree = graph.item_degree.sort(descending=True).values
    assert 0.15 < degree[:30].sum().item() / degree.sum().item() < 0.4


def test_silence_and_wordless_texts_are_missing(tmp_path):
    catalog = write_demo_catalog(tmp_path, num_users=20, num_items=80)
    table = pd.read_parquet(tmp_path / "items.parquet")
    silent = table["audio"].first_valid_index()
    soundfile.write(str(tmp_path / table["audio"][silent]), np.zeros(16_000, dtype=np.int16), 16_000)
    wordless = table["text"].first_valid_index()
    table.loc[wordless, "text"] = "..."
    table.to_parquet(tmp_path / "items.parquet", index=False)
    for name, item in (("mean-spectrum", silent), ("hashed-words", wordless)):
        (report,) = encode_items(tmp_path, name).values()
        assert list(report.problems) == [table["item_id"][item]]
    features = read_dataset(tmp_path).features
    assert not features["mean-spectrum"].mask[silent] and not features["hashed-words"].mask[wordless]
    assert int((~features["mean-spectrum"].mask).sum()) == catalog.missing["audio"] + 1


@pytest.mark.parametrize("options", [{"num_users": 19}, {"num_items": 79}, {"seed": -1}])
def test_bad_arguments(tmp_path, options):
    (name, value) = next(iter(options.items()))
    with pytest.raises(ArgumentError, match=rf"'{name}' must be .* \(got {value}\)"):
        write_demo_catalog(tmp_path / "data", **options)
    assert not (tmp_path / "data").exists()
