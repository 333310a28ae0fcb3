"""Stages from data to run folder: what learns, what stays, what a stage takes over, and how a killed one goes on."""

import json
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from encoders.audioclip import AudioCLIP
from encoders.errors import ArgumentError, RandomWeightsWarning, TrainingError, WeightsError
from encoders.training import TrainingOptions
from encoders.training.stages import StageSettings, run_folds, run_stage

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

TINY = {"size": "audioclip-tiny"}
QUICK = {"batch_size": 5, "optimizer": "adamw", "learning_rate": 3e-3, "decay": 0.9}


def split(collection):
    """Fold 1 is held out."""
    train, test = collection.fold_split(1)
    return {"train": train, "test": test}


def parts(collection):
    return {"train": collection.part("train"), "test": collection.part("test")}


def test_a_classifier_learns_from_random_weights(tones, tmp_path):
    settings = StageSettings("audio-pretrain", **TINY)
    result = run_stage(tones, settings, TrainingOptions(epochs=25, **QUICK), **split(tones), folder=tmp_path)
    assert result.test["accuracy"] >= 0.9  # chance is a third
    assert result.items == {"train": 30, "valid": 0, "test": 15}
    assert (result.epochs, result.best_epoch) == (25, 25)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["settings"]["stage"] == "audio-pretrain" and run["options"]["learning_rate"] == 3e-3
    assert json.loads((tmp_path / "metrics.json").read_text())["test"] == result.test
    history = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    assert history[-1]["losses"]["classes"] < 0.5 * history[0]["losses"]["classes"]
    saved = load_file(tmp_path / "model.safetensors")
    assert saved["fc.weight"].shape[0] == 3 and "fbsp.m" in saved


def test_several_classes_an_item_are_learned_by_their_own_loss(chords):
    settings = StageSettings("audio-pretrain", **TINY, class_weighted=True)
    result = run_stage(chords, settings, TrainingOptions(epochs=25, **QUICK), **parts(chords))
    assert set(result.test) == {"loss", "mean_average_precision"}
    assert result.test["mean_average_precision"] >= 0.85  # a random order of ten items gives about .5


def test_the_epoch_is_chosen_on_items_that_neither_train_nor_test(tones):
    seen = []
    settings = StageSettings("audio-pretrain", **TINY, validation_share=0.2)
    options = TrainingOptions(epochs=4, **QUICK)
    result = run_stage(tones, settings, options, **split(tones), on_epoch=seen.append)
    assert result.items == {"train": 24, "valid": 6, "test": 15}
    best = max(record["valid"]["accuracy"] for record in seen)
    assert result.valid["accuracy"] == best == seen[result.best_epoch - 1]["valid"]["accuracy"]


def test_sounds_that_cannot_be_read_are_left_out_and_told(tones, tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    broken = type(tones.items[0])("broken", audio=tmp_path / "text.wav", labels=(0,), fold=2)
    train, test = tones.fold_split(1)
    options = TrainingOptions(epochs=1, **QUICK)
    with pytest.warns(UserWarning, match=r"1 items are left out: .*text.wav"):
        result = run_stage(tones, StageSettings("audio-pretrain", **TINY), options, train=[broken, *train], test=test)
    assert result.items["train"] == 30 and result.left_out == 1
    plain = run_stage(tones, StageSettings("audio-pretrain", **TINY), options, train=train, test=test)
    assert plain.test == result.test  # labels stay with their sounds


def test_training_ends_when_validation_no_longer_improves(tones):
    settings = StageSettings("audio-pretrain", **TINY, validation_share=0.2)
    # Nothing is learned but the statistics of batch normalisation, so an early epoch stays the best.
    still = TrainingOptions(epochs=40, batch_size=5, learning_rate=1e-30, patience=3)
    result = run_stage(tones, settings, still, **split(tones))
    assert result.epochs == result.best_epoch + 3 < 40


@pytest.fixture(scope="module")
def pretrained(chords, tmp_path_factory):
    """The folder of an audio head that was trained alone."""
    folder = tmp_path_factory.mktemp("stages") / "audio-pretrain"
    settings = StageSettings("audio-pretrain", **TINY)
    run_stage(chords, settings, TrainingOptions(epochs=2, **QUICK), **parts(chords), folder=folder)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A file of heads for pictures and texts."""
    torch.manual_seed(5)
    file = tmp_path_factory.mktemp("clip") / "clip.pt"
    state = AudioCLIP.from_preset("audioclip-tiny").state_dict()
    torch.save(
        {name: tensor for name, tensor in state.items() if not name.startswith(("audio.", "logit_scale_"))}, file
    )
    return file


def changed(before, after):
    """Names of tensors that differ by more than steps of 1e-30 can make them."""
    return {name for name in before if not torch.allclose(before[name], after[name], rtol=0, atol=1e-20)}


def test_frozen_heads_stay_bit_by_bit_while_the_audio_head_and_its_scales_learn(chords, pretrained, clip, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RandomWeightsWarning)  # nothing that counts is random
        run_stage(
            chords,
            StageSettings("cooperative", size="audioclip-tiny"),
            TrainingOptions(epochs=2, **QUICK),
            **parts(chords),
            weights=pretrained,
            clip=clip,
            folder=tmp_path,
        )
    after = load_file(tmp_path / "model.safetensors")
    given = torch.load(clip, weights_only=True)
    assert not changed(given, after)
    head = load_file(pretrained / "model.safetensors")
    learned = changed(
        head,
        {name: after[f"audio.{name}"] for name in head if not name.startswith("fc.")}
        | {name: head[name] for name in head if name.startswith("fc.")},
    )
    assert {"conv1.weight", "fbsp.m", "layer4.0.conv3.weight", "bn1.running_mean"} <= learned
    for name in ("logit_scale_ai", "logit_scale_at"):  # SPEC 1.11 item 11: in the released code they never move
        assert 0 < float(after[name]) < 4.6051, name


def test_a_joint_stage_teaches_all_heads(chords, clip, tmp_path):
    run_stage(
        chords,
        StageSettings("joint", **TINY),
        TrainingOptions(epochs=1, **QUICK),
        **parts(chords),
        clip=clip,
        folder=tmp_path,
    )
    after, given = load_file(tmp_path / "model.safetensors"), torch.load(clip, weights_only=True)
    assert {"visual.conv1.weight", "transformer.resblocks.0.attn.in_proj_weight", "logit_scale"} <= changed(
        given, after
    )


def test_stages_take_over_what_the_former_one_learned(chords, tones, pretrained, clip, tmp_path):
    """audio-pretrain, cooperative, joint, then both ways of fine-tuning, each without a step to look at its start."""
    still = TrainingOptions(epochs=1, batch_size=8, learning_rate=1e-30, weight_decay=0.0, momentum=0.0)

    def stage(name, data, weights, **more):
        folder = tmp_path / name
        where = parts(data) if data is chords else split(data)
        run_stage(data, StageSettings(name, **TINY), still, **where, weights=weights, folder=folder, **more)
        return {key: value for key, value in load_file(folder / "model.safetensors").items() if "running_" not in key}

    head = load_file(pretrained / "model.safetensors")
    cooperative = stage("cooperative", chords, pretrained, clip=clip)
    taken = {name: tensor for name, tensor in head.items() if not name.startswith("fc.") and "running_" not in name}
    taken = {name: tensor for name, tensor in taken.items() if "num_batches" not in name}
    assert not changed(taken, {name: cooperative[f"audio.{name}"] for name in taken})
    joint = stage("joint", chords, tmp_path / "cooperative")
    same = [name for name in cooperative if "num_batches" not in name]
    assert not changed({name: cooperative[name] for name in same}, joint)
    fine = stage("finetune-cooperative", tones, tmp_path / "joint")
    assert not changed({name: joint[name] for name in same}, fine)
    alone = stage("finetune-standalone", tones, tmp_path / "joint")
    assert not changed({name: joint[f"audio.{name}"] for name in taken}, alone)
    assert alone["fc.weight"].shape[0] == 3


def test_fine_tuning_against_names_learns_the_classes(tones, clip):
    settings = StageSettings("finetune-cooperative", **TINY)
    result = run_stage(tones, settings, TrainingOptions(epochs=25, **QUICK), **split(tones), clip=clip)
    assert result.test["accuracy"] >= 0.8  # chance is a third


def test_frames_are_encoded_once_for_all_runs_with_one_frozen_head(chords, clip, tmp_path, monkeypatch):
    settings, options = StageSettings("cooperative", **TINY), TrainingOptions(epochs=1, **QUICK)
    file = tmp_path / "frames.safetensors"
    first = run_stage(chords, settings, options, **parts(chords), clip=clip, frame_file=file)
    assert load_file(file)["x"].shape == (60, 64)  # two frames of each of 30 items

    def refuse(*arguments, **more):
        raise AssertionError("a frame was encoded again")

    monkeypatch.setattr(AudioCLIP, "encode_image", refuse)
    again = run_stage(chords, settings, options, **parts(chords), clip=clip, frame_file=file)
    assert again.test == first.test
    with pytest.raises(AssertionError, match="encoded again"):  # other weights: the file is stale
        run_stage(chords, settings, options, **parts(chords), frame_file=file)


KILLED = """
    import os, pickle, signal, sys, warnings
    warnings.simplefilter("ignore")
    from pathlib import Path
    from encoders.training import TrainingOptions
    from encoders.training.stages import StageSettings, run_stage
    collection = pickle.loads(Path(sys.argv[1]).read_bytes())
    train, test = collection.fold_split(1)
    def kill(epoch, step, steps):
        if (epoch, step) == (3, 2):
            os.kill(os.getpid(), signal.SIGKILL)
    run_stage(collection, StageSettings("finetune-cooperative", size="audioclip-tiny", validation_share=.2),
        TrainingOptions(epochs=4, batch_size=8, learning_rate=.01), train=train, test=test, folder=Path(sys.argv[2]),
        on_step=kill)
"""


def test_a_stage_killed_amid_an_epoch_goes_on_to_the_same_curve(tones, tmp_path):
    import pickle

    (tmp_path / "tones.pickle").write_bytes(pickle.dumps(tones))
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "tones.pickle"), str(tmp_path / "run")]
    assert subprocess.run(command, check=False).returncode == -9
    assert len((tmp_path / "run" / "history.jsonl").read_text().splitlines()) == 2
    settings = StageSettings("finetune-cooperative", **TINY, validation_share=0.2)
    options = TrainingOptions(epochs=4, batch_size=8, learning_rate=0.01)
    whole, resumed = [], []
    first = run_stage(tones, settings, options, **split(tones), on_epoch=whole.append)
    with pytest.raises(ArgumentError, match="holds a run"):
        run_stage(tones, settings, options, **split(tones), folder=tmp_path / "run")
    second = run_stage(
        tones, settings, options, **split(tones), folder=tmp_path / "run", resume=True, on_epoch=resumed.append
    )
    lines = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    assert len(resumed) == 2 and first.test == second.test
    assert [line["losses"] for line in lines] == [record["losses"] for record in whole]
    assert [line["valid"] for line in lines] == [record["valid"] for record in whole]
    other = StageSettings("finetune-cooperative", **TINY, validation_share=0.2, augment=False)
    with pytest.raises(TrainingError, match="belongs to a run with other data or settings"):
        run_stage(tones, other, options, **split(tones), folder=tmp_path / "run", resume=True)


def test_folds_are_trained_one_by_one_and_summed_up(tones, tmp_path):
    settings, options = StageSettings("audio-pretrain", **TINY), TrainingOptions(epochs=2, **QUICK)
    results = run_folds(tones, settings, options, folder=tmp_path)
    assert list(results.folds) == [1, 2, 3]
    for fold in (1, 2, 3):
        kept = json.loads((tmp_path / f"fold-{fold}" / "metrics.json").read_text())
        assert kept["test"] == results.folds[fold] and kept["items"]["test"] == 15
    summed = json.loads((tmp_path / "folds.json").read_text())["metrics"]["accuracy"]
    assert summed["mean"] == pytest.approx(sum(summed["values"]) / 3)
    with pytest.raises(ArgumentError, match=r"one of at least two folds of 'tones', 1, 2, 3 \(got 7\)"):
        run_folds(tones, settings, options, folds=[7])


def test_mixed_precision_learns_as_well(tones):
    settings = StageSettings("audio-pretrain", **TINY)
    options = TrainingOptions(epochs=25, precision="bf16", **QUICK)
    assert run_stage(tones, settings, options, **split(tones)).test["accuracy"] >= 0.9


def test_what_a_stage_cannot_use_is_refused(tones, chords, clip, tmp_path: Path):
    options = TrainingOptions(epochs=1, **QUICK)
    bare = [type(item)(item.name, audio=item.audio, labels=item.labels) for item in tones.items]
    with pytest.raises(ArgumentError, match="'cooperative' needs items with a sound and a picture; 'tones' has none"):
        run_stage(tones, StageSettings("cooperative", **TINY), options, train=bare)
    with pytest.raises(ArgumentError, match="trains the audio head alone and takes no weights of CLIP"):
        run_stage(tones, StageSettings("audio-pretrain", **TINY), options, **split(tones), clip=clip)
    with pytest.raises(ArgumentError, match=r"'batch_size' must be at most the number of training items 4 \(got 5\)"):
        run_stage(tones, StageSettings("audio-pretrain", **TINY), options, train=tones.items[:4])
    with pytest.raises(ArgumentError, match="'patience' needs items to choose the epoch by"):
        impatient = TrainingOptions(epochs=1, patience=2, **QUICK)
        run_stage(tones, StageSettings("audio-pretrain", **TINY), impatient, **split(tones))
    with pytest.raises(WeightsError, match="does not hold an audio head"):
        run_stage(tones, StageSettings("finetune-standalone", **TINY), options, **split(tones), weights=clip)
    with pytest.raises(RandomWeightsWarning, match="are random"), warnings.catch_warnings():
        warnings.simplefilter("error", RandomWeightsWarning)
        run_stage(chords, StageSettings("cooperative", **TINY), options, **parts(chords))
