"""A run with encoders of which one file was changed: adding items and asking give one error, or the right answer."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import gnnrec
from gnnrec.cli.main import app
from gnnrec.data import read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.errors import GnnrecError
from gnnrec.serving.add_items import add_items
from gnnrec.training import TrainOptions
from gnnrec.training.encoder_source import EncoderSource, create_live_features
from gnnrec.training.experiment import run_experiment
from gnnrec.training.live_options import LiveOptions

NAME = "colour-histogram"
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "catalog"
    write_demo_catalog(path, num_users=30, num_items=80)
    return path


@pytest.fixture(scope="module")
def whole(catalog: Path) -> Path:
    run = catalog.parent / "run"
    dataset = read_dataset(catalog)
    live = create_live_features(content_catalog(dataset), [EncoderSource(NAME)], LiveOptions())
    encoding = {"encoders": [{"name": NAME}], "templates": {}}
    run_experiment("vbpr", dataset, run, options=TrainOptions(max_epochs=2, device="cpu"), live=live, encoding=encoding)
    add_items(run, new_items(catalog, "first"), catalog)
    return run


def new_items(catalog: Path, *names: str) -> pd.DataFrame:
    table = pd.read_parquet(catalog / "items.parquet").dropna(subset=["image"]).head(len(names))
    return table[["title", "image"]].assign(item_id=list(names))


def added(run: Path) -> Path:
    return run / json.loads((run / "added.json").read_text())["folder"]


def lists(run: Path, catalog: Path) -> Any:
    predictor = gnnrec.load(run)
    answers = predictor.recommend(predictor.users.ids(range(3)), k=5)
    return [[(item.item_id, round(item.score, 4)) for item in answer.items] for answer in answers]


def grown(run: Path, catalog: Path) -> Any:
    add_items(run, new_items(catalog, "second"), catalog)
    similar = gnnrec.load(run).similar_items(["first", "second"], k=5)
    return [[(item.item_id, round(item.score, 4)) for item in answer.items] for answer in similar]


def evaluated(run: Path, catalog: Path) -> Any:
    done = CliRunner().invoke(app, ["evaluate", str(run), "--device", "cpu", "--json"])
    if done.exception is not None:
        raise done.exception
    return json.loads(done.stdout)["test"]


ASKED = {"recommend": lists, "add-items": grown, "evaluate": evaluated}


@pytest.fixture(scope="module")
def right(whole: Path, catalog: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    answers = {}
    for name, ask in ASKED.items():
        copy = tmp_path_factory.mktemp("copy") / "run"
        shutil.copytree(whole, copy)
        answers[name] = ask(copy, catalog)
    return answers


def tensors(find: Callable[[Path], Path], change: Callable[[dict[str, torch.Tensor]], object]) -> Change:
    def apply(run: Path) -> None:
        found = load_file(find(run))
        change(found)
        save_file({name: tensor.contiguous() for name, tensor in found.items()}, find(run))

    return apply


def described(change: Callable[[dict[str, Any]], object], file: str = "run.json") -> Change:
    def apply(run: Path) -> None:
        found = json.loads((run / file).read_text())
        change(found)
        (run / file).write_text(json.dumps(found))

    return apply


def of_run(run: Path) -> Path:
    return run / "features" / f"{NAME}.safetensors"


def of_added(run: Path) -> Path:
    return added(run) / "features" / f"{NAME}.safetensors"


def model(run: Path) -> Path:
    return run / "model.safetensors"


def vectors(run: Path) -> Path:
    return added(run) / "embeddings.safetensors"


TENSORS: dict[str, Callable[[dict[str, torch.Tensor]], object]] = {
    "nothing": lambda found: found.clear(),
    "fewer rows": lambda found: found.update({name: tensor[:-1] for name, tensor in found.items() if tensor.dim()}),
    "more rows": lambda found: found.update(
        {name: torch.cat([tensor, tensor[:1]]) for name, tensor in found.items() if tensor.dim()}
    ),
    "one of them": lambda found: found.pop(next(iter(found))),
    "not a number": lambda found: (
        next(one for one in found.values() if one.is_floating_point()).flatten()[:1].fill_(float("nan"))
    ),
    "another width": lambda found: found.update(
        [(name, torch.cat([one, one], dim=1)) for name, one in found.items() if one.dim() == 2][:1]
    ),
    "integers": lambda found: found.update({name: one.to(torch.int64) for name, one in found.items()}),
    "doubles": lambda found: found.update(
        {name: one.double() for name, one in found.items() if one.is_floating_point()}
    ),
}
FILES = {"features": of_run, "added features": of_added, "weights": model, "added vectors": vectors}

CHANGES: dict[str, Change] = {
    **{f"{file}: {what}": tensors(find, change) for file, find in FILES.items() for what, change in TENSORS.items()},
    **{
        f"{file}: cut": lambda run, find=find: find(run).write_bytes(find(run).read_bytes()[:-40])
        for file, find in FILES.items()
    },
    **{f"{file}: absent": lambda run, find=find: find(run).unlink() for file, find in FILES.items()},
    "no encoders": described(lambda run: run.update(encoders=None)),
    "encoders of another kind": described(lambda run: run.update(encoders=[1])),
    "no features of encoders": described(lambda run: run["encoders"].pop("features")),
    "no encoding": described(lambda run: run["encoders"].pop("encoding")),
    "encoding of another kind": described(lambda run: run["encoders"].update(encoding=3)),
    "an encoder without a name": described(lambda run: run["encoders"]["encoding"].update(encoders=[{}])),
    "an unknown encoder": described(lambda run: run["encoders"]["encoding"].update(encoders=[{"name": "nobody"}])),
    "no sources": described(lambda run: run["encoders"]["encoding"].update(encoders=[])),
    "templates of another kind": described(lambda run: run["encoders"]["encoding"].update(templates={"image": 3})),
    "weights elsewhere": described(lambda run: run["encoders"]["features"][NAME].update(file="../../x.safetensors")),
    "features without a modality": described(lambda run: run["encoders"]["features"][NAME].pop("modality")),
    "features of another name": described(
        lambda run: run["encoders"].update(features={"x": run["encoders"]["features"][NAME]})
    ),
    "added.json: a list": lambda run: (run / "added.json").write_text("[]"),
    "added.json: another model": described(lambda found: found.update(model="0" * 32), "added.json"),
    "added.json: elsewhere": described(lambda found: found.update(folder="../run"), "added.json"),
    "added.json: nothing there": described(lambda found: found.update(folder="added-0"), "added.json"),
    "added ids: absent": lambda run: (added(run) / "ids.parquet").unlink(),
    "added ids: of the run": lambda run: shutil.copy(run / "ids.parquet", added(run) / "ids.parquet"),
    "added graph: absent": lambda run: (added(run) / "interactions.safetensors").unlink(),
    "added graph: of the run": lambda run: shutil.copy(run / "interactions.safetensors", added(run)),
    "encoders: cut": lambda run: [path.write_bytes(b"") for path in (run / "encoders").iterdir()],
    "metrics.json: nonsense": lambda run: (run / "metrics.json").write_text("{"),
    "metrics.json: absent": lambda run: (run / "metrics.json").unlink(),
    "history.jsonl: nonsense": lambda run: (run / "history.jsonl").write_text("{\n["),
    "history.jsonl: absent": lambda run: (run / "history.jsonl").unlink(),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("change", CHANGES)
def test_one_error_or_the_right_answer(
    whole: Path, catalog: Path, right: dict[str, Any], tmp_path: Path, change: str, asked: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    CHANGES[change](run)
    try:
        answer = ASKED[asked](run, catalog)
    except (GnnrecError, gnnrec.errors.GnnrecError) as error:
        assert str(error)
    except Exception as error:
        from encoders.errors import EncoderError

        assert isinstance(error, EncoderError), repr(error)
    else:
        assert answer == right[asked]
