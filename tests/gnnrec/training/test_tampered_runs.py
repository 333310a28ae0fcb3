"""A run folder of which one file was changed: one error that names it, or the right answer; never another list."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file, save_file

from gnnrec import load
from gnnrec.errors import GnnrecError
from gnnrec.evaluation.run_group import read_run_groups
from gnnrec.testing import planted_dataset
from gnnrec.training import TrainOptions
from gnnrec.training.experiment import run_experiment

DATA = planted_dataset(num_users=60, num_items=80)
MODELS = ("vbpr", "item-knn", "gf-cf")
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    for model in MODELS:
        run_experiment(model, DATA, folder / model, options=TrainOptions(max_epochs=2, device="cpu"))
    return folder


def lists(run: Path) -> list[Any]:
    answers = load(run).recommend(DATA.users.ids(range(4)), k=5)
    return [[(item.item_id, round(item.score, 5)) for item in answer.items] for answer in answers]


def similar(run: Path) -> list[Any]:
    answers = load(run).similar_items(DATA.items.ids(range(4)), k=5)
    return [[(item.item_id, round(item.score, 5)) for item in answer.items] for answer in answers]


def compared(run: Path) -> float:
    return round(read_run_groups([run], "recall@20")[0].mean, 6)


def resumed(run: Path) -> Any:
    options = TrainOptions(max_epochs=3, device="cpu")
    result = run_experiment(run.name, DATA, run, options=options, resume=True)
    assert result.valid is not None
    return result.epochs, round(result.valid.metrics["recall@20"], 6)


ASKED: Mapping[str, Callable[[Path], Any]] = {
    "recommend": lists,
    "similar": similar,
    "compare": compared,
    "resume": resumed,
}


@pytest.fixture(scope="module")
def right(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Any]:
    answers = {}
    for model in MODELS:
        for name, ask in ASKED.items():
            copy = tmp_path_factory.mktemp("copy") / model
            shutil.copytree(whole / model, copy)
            answers[model, name] = ask(copy)
    return answers


def tensors(file: str, change: Callable[[dict[str, torch.Tensor]], None]) -> Change:
    def apply(run: Path) -> None:
        found = load_file(run / file)
        change(found)
        save_file({name: tensor.contiguous() for name, tensor in found.items()}, run / file)

    return apply


def put(name: str, make: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda found: found.__setitem__(name, make(found[name]))


def without(name: str) -> Callable[[dict[str, torch.Tensor]], None]:
    def apply(found: dict[str, torch.Tensor]) -> None:
        del found[name]

    return apply


def filled(saved: dict[str, Any], name: str, value: float) -> None:
    for tensor in saved[name].values():
        tensor.fill_(value)


def column(file: str, name: str, value: Any) -> Change:
    def change(found: pa.Table) -> pa.Table:
        return found.set_column(found.column_names.index(name), name, pa.array([value] * len(found)))

    return table(file, change)


def description(change: Callable[[dict[str, Any]], None]) -> Change:
    def apply(run: Path) -> None:
        found = json.loads((run / "run.json").read_text())
        change(found)
        (run / "run.json").write_text(json.dumps(found))

    return apply


def inner(section: str, **values: Any) -> Change:
    return description(lambda found: found[section].update(values))


def text(file: str, content: str | bytes) -> Change:
    return lambda run: (run / file).write_bytes(content.encode() if isinstance(content, str) else content) and None


def table(file: str, change: Callable[[pa.Table], pa.Table]) -> Change:
    return lambda run: pq.write_table(change(pq.read_table(run / file)), run / file)


def checkpoint(change: Callable[[dict[str, Any]], Any]) -> Change:
    def apply(run: Path) -> None:
        saved = torch.load(run / "checkpoint.pt", weights_only=True)
        changed = change(saved)
        torch.save(saved if changed is None else changed, run / "checkpoint.pt")

    return apply


def pipe(file: str) -> Change:
    def apply(run: Path) -> None:
        (run / file).unlink()
        os.mkfifo(run / file)

    return apply


def nan_at_first(tensor: torch.Tensor) -> torch.Tensor:
    changed = tensor.clone().float()
    changed.view(-1)[0] = torch.nan
    return changed


SIZES: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "a row less": lambda x: x[1:],
    "a row more": lambda x: torch.cat([x, x[:1]]),
    "a column less": lambda x: x[:, 1:],
    "no columns": lambda x: x[:, :0],
    "flat": lambda x: x.flatten(),
    "whole numbers": lambda x: x.to(torch.int64),
    "double": lambda x: x.double(),
    "half": lambda x: x.half(),
    "not a number": nan_at_first,
    "infinite": lambda x: x / 0,
}
EMBEDDINGS = {
    f"embeddings {name}: {how}": tensors("embeddings.safetensors", put(name, make))
    for name in ("user", "item")
    for how, make in SIZES.items()
}
EMBEDDINGS["embeddings without user"] = tensors("embeddings.safetensors", without("user"))
EMBEDDINGS["embeddings without item"] = tensors("embeddings.safetensors", without("item"))
EMBEDDINGS["embeddings so long that scores overflow"] = tensors(
    "embeddings.safetensors", lambda found: found.update({name: x * 1e20 for name, x in found.items()})
)
PAIRS = {
    "out of range": put("edge_index", lambda x: x + 1000),
    "negative": put("edge_index", lambda x: x - 50),
    "floating": put("edge_index", lambda x: x.float()),
    "one row": put("edge_index", lambda x: x[:1]),
    "flat": put("edge_index", lambda x: x.flatten()),
    "none": put("edge_index", lambda x: x[:, :0]),
    "sizes zero": put("sizes", lambda x: x * 0),
    "sizes huge": put("sizes", lambda x: x * 2**40),
    "sizes one": put("sizes", lambda x: x[:1]),
    "sizes negative": put("sizes", lambda x: -x),
    "sizes exchanged": put("sizes", lambda x: x.flip(0)),
    "sizes absent": without("sizes"),
    "pairs absent": without("edge_index"),
    "held out of range": put("held_out", lambda x: x + 1000),
    "held out flat": put("held_out", lambda x: x.flatten()),
}
GRAPH = {f"interactions {how}": tensors("interactions.safetensors", change) for how, change in PAIRS.items()}
IDS = {
    "without metadata": lambda found: found.replace_schema_metadata(None),
    "without titles": lambda found: found.drop_columns(["title"]),
    "without kinds": lambda found: found.drop_columns(["kind"]),
    "other kinds": lambda found: found.set_column(0, "kind", pa.array(["thing"] * len(found))),
    "fewer": lambda found: found.slice(0, len(found) - 3),
    "fewer users": lambda found: found.slice(2),
    "repeated": lambda found: found.set_column(1, "id", pa.array(["1"] * len(found))),
    "no integers": lambda found: found.set_column(1, "id", pa.array(["x"] * len(found))),
    "huge integers": lambda found: found.set_column(1, "id", pa.array(["9" * 30] * len(found))),
    "not texts": lambda found: found.set_column(1, "id", pa.array(list(range(len(found))))),
    "empty": lambda found: found.slice(0, 0),
}
TABLES: dict[str, Change] = {f"ids {how}": table("ids.parquet", change) for how, change in IDS.items()}
DESCRIPTIONS: dict[str, Change] = {
    "run.json a list": text("run.json", "[]"),
    "run.json null": text("run.json", "null"),
    "run.json a number": text("run.json", "3"),
    "run.json empty": text("run.json", ""),
    "run.json empty object": text("run.json", "{}"),
    "run.json cut": text("run.json", '{"model": {"name": "vb'),
    "run.json bytes": text("run.json", b"\xff\xfe\x00\x01"),
    "run.json deep": text("run.json", "[" * 100_000),
    "model a text": description(lambda found: found.update(model="vbpr")),
    "model absent": description(lambda found: found.pop("model") and None),
    "data absent": description(lambda found: found.pop("data") and None),
    "data a list": description(lambda found: found.update(data=[])),
    "fingerprint a number": inner("data", fingerprint=3),
    "no users": inner("data", num_users=0),
    "users a text": inner("data", num_users="60"),
    "other users": inner("data", num_users=61),
    "other items": inner("data", num_items=81),
    "items true": inner("data", num_items=True),
    "unknown model": inner("model", name="nothing"),
    "another model": inner("model", name="mmgcn"),
    "a model of another kind": inner("model", name="ease"),
    "arguments a list": inner("model", arguments=[]),
    "unknown argument": inner("model", arguments={"colour": 3}),
    "ks a number": inner("evaluation", ks=3),
    "ks negative": inner("evaluation", ks=[-3]),
    "unknown protocol": inner("evaluation", colour=3),
    "unknown option": inner("options", colour=3),
    "rate a text": inner("options", learning_rate="fast"),
    "epochs negative": inner("options", max_epochs=-5),
    "evaluation a text": description(lambda found: found.update(evaluation="all")),
    "features a list": description(lambda found: found.update(features=[1])),
    "encoders a list": description(lambda found: found.update(encoders=[1])),
    "not finished": description(lambda found: found.update(status="training")),
    "seed a text": description(lambda found: found.update(seed="zero")),
}
FILES = ("run.json", "ids.parquet", "interactions.safetensors", "model.safetensors", "embeddings.safetensors")
GONE: dict[str, Change] = {}
for file in (*FILES, "metrics_per_user.parquet"):
    GONE[f"{file} absent"] = lambda run, file=file: (run / file).unlink()  # type: ignore[misc]
    GONE[f"{file} empty"] = text(file, b"")
    GONE[f"{file} junk"] = text(file, b"junk" * 50)
    GONE[f"{file} cut"] = lambda run, file=file: (run / file).write_bytes((run / file).read_bytes()[:-40]) and None  # type: ignore[misc]
    GONE[f"{file} a pipe"] = pipe(file)
CHECKPOINTS: dict[str, Change] = {
    "checkpoint empty": text("checkpoint.pt", b""),
    "checkpoint junk": text("checkpoint.pt", b"junk" * 50),
    "checkpoint a pipe": pipe("checkpoint.pt"),
    "checkpoint a list": checkpoint(lambda saved: [1]),
    "checkpoint a tensor": checkpoint(lambda saved: torch.zeros(3)),
    "checkpoint {}": checkpoint(lambda saved: {}),
    "epoch a text": checkpoint(lambda saved: saved.update(epoch="two")),
    "epoch -5": checkpoint(lambda saved: saved.update(epoch=-5)),
    "epoch 1.5": checkpoint(lambda saved: saved.update(epoch=1.5)),
    "best epoch after the last": checkpoint(lambda saved: saved.update(best_epoch=9)),
    "history short": checkpoint(lambda saved: saved.update(history=[])),
    "best not finite": checkpoint(lambda saved: filled(saved, "best_parameters", torch.nan)),
    "parameters not finite": checkpoint(lambda saved: filled(saved, "model", torch.inf)),
    "parameters of another shape": checkpoint(
        lambda saved: saved.update(model={name: x[:-1] for name, x in saved["model"].items()})
    ),
    "best of another shape": checkpoint(
        lambda saved: saved.update(best_parameters={name: x[:-1] for name, x in saved["best_parameters"].items()})
    ),
    "parameters absent": checkpoint(lambda saved: saved.update(model={})),
    "best absent": checkpoint(lambda saved: saved.update(best_parameters={"x": torch.zeros(2)})),
    "optimizer empty": checkpoint(lambda saved: saved.update(optimizer={})),
    "random empty": checkpoint(lambda saved: saved.update(random=torch.zeros(3, dtype=torch.uint8))),
    "sampler floating": checkpoint(lambda saved: saved.update(sampler=torch.zeros(5056))),
    "another identity": checkpoint(lambda saved: saved.update(identity="other")),
    "identity absent": checkpoint(lambda saved: saved.pop("identity") and None),
}
CHECKPOINTS["best epoch a text"] = checkpoint(lambda saved: saved.update(best_epoch="one"))
CHECKPOINTS["best value a text"] = checkpoint(lambda saved: saved.update(best_value="good"))
CHECKPOINTS["history a text"] = checkpoint(lambda saved: saved.update(history="long"))
NEIGHBOURS = {
    "pointer short": put("neighbour_pointer", lambda x: x[:-1]),
    "pointer falling": put("neighbour_pointer", lambda x: x.flip(0)),
    "pointer beyond": put("neighbour_pointer", lambda x: x * 3),
    "pointer narrow": put("neighbour_pointer", lambda x: x.to(torch.int32)),
    "item beyond": put("neighbour_item", lambda x: x + 1000),
    "item negative": put("neighbour_item", lambda x: x - 50),
    "item fewer": put("neighbour_item", lambda x: x[:-5]),
    "value fewer": put("neighbour_value", lambda x: x[:-5]),
    "value not a number": put("neighbour_value", nan_at_first),
    "value double": put("neighbour_value", lambda x: x.double()),
    "value absent": without("neighbour_value"),
}
CLASSICAL = {f"neighbours {how}": tensors("model.safetensors", change) for how, change in NEIGHBOURS.items()}
VECTORS = {
    f"singular vectors: {how}": tensors("model.safetensors", put("singular_vectors", SIZES[how]))
    for how in ("a row less", "a row more", "flat", "double", "whole numbers", "not a number", "infinite")
}
PER_USER: dict[str, Change] = {
    "per user fewer": table("metrics_per_user.parquet", lambda found: found.slice(0, 0)),
    "per user without part": table("metrics_per_user.parquet", lambda found: found.drop_columns(["part"])),
    "per user without users": table("metrics_per_user.parquet", lambda found: found.drop_columns(["user_id"])),
    "per user without metric": table("metrics_per_user.parquet", lambda found: found.drop_columns(["recall@20"])),
    "per user texts": column("metrics_per_user.parquet", "recall@20", "good"),
    "per user beyond 1": column("metrics_per_user.parquet", "recall@20", 3.0),
    "per user repeated": table("metrics_per_user.parquet", lambda found: pa.concat_tables([found, found])),
}

CASES = [
    *((ask, "vbpr", name, change) for ask in ("recommend", "similar") for name, change in EMBEDDINGS.items()),
    *(("recommend", "vbpr", name, change) for name, change in {**GRAPH, **TABLES, **DESCRIPTIONS, **GONE}.items()),
    *(("compare", "vbpr", name, change) for name, change in {**DESCRIPTIONS, **GONE, **PER_USER}.items()),
    *(("resume", "vbpr", name, change) for name, change in {**CHECKPOINTS, **DESCRIPTIONS}.items()),
    *(("recommend", "item-knn", name, change) for name, change in CLASSICAL.items()),
    *(("similar", "item-knn", name, change) for name, change in CLASSICAL.items()),
    *(("recommend", "gf-cf", name, change) for name, change in VECTORS.items()),
]


def test_there_are_as_many_as_were_found() -> None:
    assert len(CASES) >= 195


@pytest.mark.parametrize(
    ("ask", "model", "change"),
    [pytest.param(ask, model, change, id=f"{ask} {model}: {name}") for ask, model, name, change in CASES],
)
def test_a_tampered_run_is_refused_by_name_or_answers_right(
    ask: str, model: str, change: Change, whole: Path, right: dict[tuple[str, str], Any], tmp_path: Path
) -> None:
    run = tmp_path / model
    shutil.copytree(whole / model, run)
    change(run)
    try:
        answer = ASKED[ask](run)
    except GnnrecError as error:
        assert str(tmp_path) in str(error) or "unknown metric" in str(error), error
    else:
        assert answer == right[model, ask]


def test_a_feature_of_the_run_that_has_changed_is_told_by_resume(whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "vbpr"
    shutil.copytree(whole / "vbpr", run)
    other = replace(DATA, features={name: replace(one, x=one.x * 2) for name, one in DATA.features.items()})
    with pytest.raises(GnnrecError, match="'features' was"):
        run_experiment("vbpr", other, run, options=TrainOptions(max_epochs=3, device="cpu"), resume=True)
