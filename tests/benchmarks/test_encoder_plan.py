"""Which runs a comparison of encoders makes, and what is taken for the same run."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from compare_encoders import check_parts, main, parse_arguments, study_of
from encoder_cache import Cache, is_finished
from encoder_run import EncoderJob, run_encoder_job
from encoder_study import EncoderChoice, Setting, Study, plan
from safetensors.torch import save_file

from encoders.errors import UnknownEncoderError
from encoders.store.catalog import hash_of_ids
from gnnrec.data import read_dataset
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.training import TrainOptions
from gnnrec.training.live_options import LiveOptions

TINY, PICTURES = EncoderChoice.parse("audioclip-tiny"), EncoderChoice.parse("resnet50")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_demo_catalog(tmp_path_factory.mktemp("data") / "demo", num_users=30, num_items=80).folder


@pytest.fixture
def study(demo: Path, tmp_path: Path) -> Study:
    shutil.copytree(demo, tmp_path / "demo")
    return Study(tmp_path / "demo", options=TrainOptions(max_epochs=2, device="cpu"))


def cache_of(study: Study) -> Cache:
    dataset = study.read()
    return Cache(study.data.parent / "cache", study, dataset, study.catalog(dataset))


def test_every_model_meets_every_choice_under_every_regime(study: Study) -> None:
    catalog = cache_of(study).catalog
    found = plan(
        study,
        catalog,
        models=["vbpr", "lattice", "freedom"],
        encoders=[TINY, PICTURES],
        regimes=["frozen", "finetune", "end-to-end"],
        features=["oracle"],
        baselines=["popularity"],
    )
    assert [panel.zero for panel in found.panels] == [Setting("bpr-mf"), Setting("lightgcn"), Setting("lightgcn")]
    assert [len(panel.settings) for panel in found.panels] == [6, 6, 6]  # pictures alone have no pairs
    assert {setting.regime for setting in found.impossible} == {"finetune"}
    settings = found.settings()
    assert settings[:3] == [Setting("bpr-mf"), Setting("lightgcn"), Setting("popularity")]
    assert len(settings) == len(set(settings)) == 3 + 18


def test_what_cannot_be_is_known_beforehand(study: Study) -> None:
    catalog = cache_of(study).catalog
    films = EncoderChoice.parse("r2plus1d+minilm")
    found = plan(study, catalog, models=["content-knn"], encoders=[TINY, films], regimes=["frozen", "end-to-end"])
    assert [(s.regime, s.encoders) for s in found.panels[0].settings] == [("frozen", TINY)]
    assert (
        found.impossible[Setting("content-knn", "end-to-end", TINY)]
        == "the model has no loss for encoders to learn from"
    )
    assert "nothing that one of the encoders encodes" in found.impossible[Setting("content-knn", "frozen", films)]
    with pytest.raises(ValueError, match="lightgcn: must be models of content"):
        plan(study, catalog, models=["lightgcn"], encoders=[TINY], regimes=["frozen"])
    with pytest.raises(ValueError, match="vbpr: must be models without content"):
        plan(study, catalog, models=["lattice"], encoders=[TINY], regimes=["frozen"], baselines=["vbpr"])
    with pytest.raises(UnknownEncoderError):
        EncoderChoice.parse("minilm+resnet")


@pytest.mark.parametrize("changed", [{"candidates": "new"}, {"split": "cold-item"}])
def test_new_items_are_compared_with_random_features(study: Study, changed: dict[str, str]) -> None:
    catalog = cache_of(study).catalog
    found = plan(replace(study, **changed), catalog, models=["vbpr", "lattice"], encoders=[TINY], regimes=["frozen"])
    assert [panel.zero for panel in found.panels] == [Setting("vbpr", "random"), Setting("lattice", "random")]


def test_texts_of_encoders() -> None:
    choice = EncoderChoice.parse("minilm+resnet50=some/weights.pth")
    assert choice.sources == (("minilm", None), ("resnet50", Path("some/weights.pth").resolve()))
    assert choice.label == "minilm + resnet50 (weights.pth)"


def test_a_run_is_known_by_all_that_it_depends_on(study: Study) -> None:
    cache, frozen, zero = cache_of(study), Setting("vbpr", "frozen", TINY), Setting("bpr-mf")
    folders = {cache.run_folder(setting, seed) for setting in (frozen, zero) for seed in (1, 2)}
    assert len(folders) == 4
    assert cache_of(study).run_folder(frozen, 1) == cache.run_folder(frozen, 1)
    assert cache.run_folder(replace(frozen, regime="finetune"), 1) not in folders
    for other in (
        replace(study, options=TrainOptions(max_epochs=3, device="cpu")),
        replace(study, candidates="new"),
        replace(study, split="cold-item"),
        replace(study, split="ratio", split_seed=1),
    ):
        assert not {cache_of(other).run_folder(setting, 1) for setting in (frozen, zero)} & folders
    encoding_only = cache_of(replace(study, live=LiveOptions(max_items=8)))
    assert encoding_only.run_folder(zero, 1) in folders
    assert encoding_only.run_folder(frozen, 1) not in folders


def test_other_pictures_and_weights_are_other_runs(study: Study, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"one")
    frozen, zero = Setting("vbpr", "frozen", EncoderChoice.parse(f"resnet50={weights}")), Setting("bpr-mf")
    before = [cache_of(study).run_folder(setting, 1) for setting in (frozen, zero)]
    pictures = sorted((study.data / "images").glob("*.png"))
    original = pictures[0].read_bytes()
    pictures[0].write_bytes(pictures[1].read_bytes())
    changed = [cache_of(study).run_folder(setting, 1) for setting in (frozen, zero)]
    assert changed[0] != before[0] and changed[1] == before[1]
    pictures[0].write_bytes(original)  # at another time, with the same bytes
    assert [cache_of(study).run_folder(setting, 1) for setting in (frozen, zero)] == before
    weights.write_bytes(b"two")
    assert cache_of(study).run_folder(frozen, 1) != before[0]


def test_files_of_features_are_part_of_their_own_runs_only(study: Study) -> None:
    before = cache_of(study).run_folder(Setting("bpr-mf"), 1)
    (study.data / "features").mkdir()
    ids = read_dataset(study.data).items.array.tolist()
    content = {"x": torch.randn(len(ids), 4), "mask": torch.ones(len(ids), dtype=torch.bool)}
    save_file(content, study.data / "features" / "oracle.safetensors", {"item_id_hash": hash_of_ids(ids)})
    cache = cache_of(study)
    assert cache.dataset.feature_names() == ["oracle"]
    assert cache.run_folder(Setting("bpr-mf"), 1) == before
    assert cache.identity(Setting("vbpr", "file", features=("oracle",)), 1)["features"].keys() == {"oracle"}


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's counters")
def test_an_interrupted_run_goes_on(study: Study) -> None:
    folder, setting = study.data.parent / "run", Setting("vbpr", "random")
    job = EncoderJob(replace(study, options=replace(study.options, max_epochs=1)), setting, 3, folder, {})
    assert run_encoder_job(job) is None
    first = (folder / "history.jsonl").read_text()
    (folder / "cost.json").unlink()
    assert not is_finished(folder)
    assert run_encoder_job(replace(job, study=study)) is None
    history = (folder / "history.jsonl").read_text()
    assert history.startswith(first) and len(history.splitlines()) == 2
    assert is_finished(folder)
    cost = json.loads((folder / "cost.json").read_text())
    seconds = sum(json.loads(line)["seconds"] for line in history.splitlines())
    assert cost["train_seconds"] == pytest.approx(seconds, abs=1e-3)
    written = (folder / "run.json").stat().st_mtime_ns
    assert run_encoder_job(replace(job, study=study)) is None
    assert (folder / "run.json").stat().st_mtime_ns == written  # finished meanwhile by another command
    assert cost["finetune_seconds"] == 0 and cost["peak_mib"] >= cost["data_mib"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from Linux's counters")
def test_a_folder_of_nothing_is_begun_anew_and_impossible_runs_say_why(study: Study) -> None:
    folder = study.data.parent / "run"
    folder.mkdir()
    (folder / ".run.json.new").write_text("{")
    assert run_encoder_job(EncoderJob(study, Setting("vbpr", "random"), 1, folder, {})) is None
    assert is_finished(folder)
    words = Setting("vbpr", "end-to-end", EncoderChoice.parse("hashed-words"))
    reason = run_encoder_job(EncoderJob(study, words, 1, study.data.parent / "other", {}))
    assert "there are no weights to train" in reason


def test_the_command_line_is_read_whole(tmp_path: Path) -> None:
    given = parse_arguments(
        [
            *("data", "--encoders", "audioclip-tiny", "--set", "max_items=64", "learning_rate=1e-5", "checkpoint=True"),
            *("--content", "image=posters/{item_id}.jpg", "--split", "cold-item", "--candidates", "new"),
        ]
    )
    study = study_of(given)
    assert study.live == LiveOptions(max_items=64, learning_rate=1e-5, checkpoint=True)
    assert study.templates == (("image", "posters/{item_id}.jpg"),)
    assert study.zero_is_random
    given.set = ["max_item=64"]
    with pytest.raises(ValueError, match="unknown max_item; there are"):
        study_of(given)


def test_wrong_use_is_refused_before_anything_runs(study: Study, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--out", str(study.data.parent / "out" / "report"), "--seeds", "1"]
    for arguments, said in (
        (["--encoders", "audioclip-small"], "unknown encoder 'audioclip-small'"),
        (["--encoders", "resnet50=missing.pth"], "missing.pth"),
        (["--features", "oracle"], "oracle"),
    ):
        assert main([str(study.data), *arguments, *common]) == 2
        assert said in capsys.readouterr().err
    assert not (study.data.parent / "out").exists()


def test_parts_on_which_nothing_could_be_selected_are_refused(study: Study) -> None:
    dataset = study.read()
    known = replace(dataset, valid=dataset.train)
    check_parts(study, known)
    with pytest.raises(ValueError, match="no valid item is new, so nothing can be ranked; add --split cold-item"):
        check_parts(replace(study, candidates="new"), known)
    with pytest.raises(ValueError, match="demo has no test part"):
        check_parts(study, replace(dataset, test=dataset.test.select(dataset.test.item < 0)))
