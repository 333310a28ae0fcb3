"""Items added to a run: they add up, belong to one state of the model, and are there whole or not at all."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import gnnrec
from encoders import files
from gnnrec.data import read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.errors import RunError
from gnnrec.serving.add_items import add_items
from gnnrec.training import TrainOptions
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.experiment import run_experiment
from gnnrec.training.live_options import LiveOptions


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "catalog"
    write_demo_catalog(path, num_users=30, num_items=80)
    return path


def train(catalog: Path, run: Path, epochs: int, *, resume: bool = False) -> None:
    dataset = read_dataset(catalog)
    live = create_live_features(content_catalog(dataset), [EncoderSource("colour-histogram")], LiveOptions())
    encoding = {"encoders": [{"name": "colour-histogram"}], "templates": {}}
    options = TrainOptions(max_epochs=epochs, device="cpu")
    run_experiment("vbpr", dataset, run, options=options, live=live, encoding=encoding, resume=resume)


@pytest.fixture(scope="module")
def trained(catalog: Path) -> Path:
    train(catalog, catalog.parent / "trained", 2)
    return catalog.parent / "trained"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def new_items(catalog: Path, names: list[str], first: int) -> pd.DataFrame:
    table = pd.read_parquet(catalog / "items.parquet").dropna(subset=["image"])
    return table.iloc[first : first + len(names)][["title", "image"]].assign(item_id=names)


def neighbours(run: Path, item: str) -> list[object]:
    return [one.item_id for one in gnnrec.load(run).similar_items([item], k=5)[0].items]


def test_what_was_added_before_stays(catalog: Path, run: Path) -> None:
    add_items(run, new_items(catalog, ["new-1", "new-2"], 0), catalog)
    first = neighbours(run, "new-1")
    result = add_items(run, new_items(catalog, ["new-3"], 4), catalog)
    assert result.items == 3 and result.covered == {"colour-histogram": 3}
    items = gnnrec.load(run).items
    assert [name in items for name in ("new-1", "new-2", "new-3")] == [True] * 3
    assert [one for one in neighbours(run, "new-1") if one != "new-3"][:4] == [x for x in first if x != "new-3"][:4]
    moved = add_items(run, new_items(catalog, ["new-1"], 6), catalog)  # the same id: other content
    assert moved.items == 3 and len(gnnrec.load(run).items) == len(items)
    alone = add_items(run, new_items(catalog, ["new-9"], 8), catalog, replace=True)
    assert alone.items == 1 and "new-1" not in gnnrec.load(run).items
    assert len([path for path in run.iterdir() if path.name.startswith("added")]) == 2


def test_training_further_makes_added_items_stale(catalog: Path, run: Path) -> None:
    add_items(run, new_items(catalog, ["new-1"], 0), catalog)
    train(catalog, run, 25, resume=True)
    with pytest.raises(RunError, match=r"before its model was trained further; add them again with: gnnrec add-items"):
        gnnrec.load(run)
    assert len(gnnrec.load(run, added=False).items) == 80
    add_items(run, new_items(catalog, ["new-1"], 0), catalog, replace=True)
    assert "new-1" in gnnrec.load(run).items


@pytest.mark.parametrize("last", range(7))
def test_killed_between_any_two_files(last: int, catalog: Path, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_items(run, new_items(catalog, ["new-1"], 0), catalog)
    before = neighbours(run, "new-1")
    written = 0
    replace = Path.replace

    def replace_some(self: Path, target: Path) -> Path:
        nonlocal written
        written += 1
        if written > last:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(files.Path, "replace", replace_some)
    try:
        add_items(run, new_items(catalog, ["new-2"], 4), catalog, replace=True)
    except KeyboardInterrupt:
        monkeypatch.undo()
        assert neighbours(run, "new-1") == before
        add_items(run, new_items(catalog, ["new-2"], 4), catalog)
        assert {"new-1", "new-2"} <= {str(one) for one in gnnrec.load(run).items.array.tolist()}
    else:
        assert "new-2" in gnnrec.load(run).items and "new-1" not in gnnrec.load(run).items
    assert len([path for path in run.iterdir() if path.name.startswith("added")]) == 2


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"folder": "../x", "model": "y"}', '{"folder": "added-x", "model": 3}', "{", ""]
)
def test_a_damaged_note_of_what_counts_is_told(content: str, catalog: Path, run: Path) -> None:
    add_items(run, new_items(catalog, ["new-1"], 0), catalog)
    (run / "added.json").write_text(content)
    with pytest.raises(RunError, match=r"added\.json"):
        gnnrec.load(run)


def test_items_added_by_an_older_version_still_answer(catalog: Path, run: Path) -> None:
    add_items(run, new_items(catalog, ["new-1"], 0), catalog)
    before = neighbours(run, "new-1")
    folder = run / json.loads((run / "added.json").read_text())["folder"]
    shutil.rmtree(folder / "features")
    folder.rename(run / "added")
    (run / "added.json").unlink()
    assert neighbours(run, "new-1") == before
    with pytest.raises(RunError, match="add all items again, with --replace"):
        add_items(run, new_items(catalog, ["new-2"], 4), catalog)
