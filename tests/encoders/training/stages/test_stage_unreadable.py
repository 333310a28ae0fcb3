"""Sounds and frames that cannot be read end no training."""

import csv
import errno
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from encoders.audioclip import AudioCLIP
from encoders.content import Film
from encoders.errors import ContentError
from encoders.musicvideo.segment_files import write_film, write_sound
from encoders.musicvideo.segment_table import write_segment_table
from encoders.training import TrainingOptions
from encoders.training.checkpoint import CheckpointFolder
from encoders.training.stages import StageModel, StageSettings, assess, run_stage

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

QUICK = TrainingOptions(epochs=1, batch_size=5, optimizer="adamw", learning_rate=3e-3)
UNCACHED = 1e-9


def damaged(item, folder, *, sound=False, frames=()):
    """The item with a sound or frames of which the second half is missing."""
    changes = {}
    if sound:
        changes["audio"] = folder / f"{item.name}.wav"
        changes["audio"].write_bytes(item.audio.read_bytes()[:4000])
    images = list(item.images)
    for number in frames:
        images[number] = folder / f"{item.name}-{number}.png"
        images[number].write_bytes(item.images[number].read_bytes()[:500])
    return replace(item, images=tuple(images), **changes)


def problems(folder):
    with (folder / "problems.csv").open(newline="") as file:
        return {row["item"]: row["reason"] for row in csv.DictReader(file)}


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_sound_is_left_out_though_the_memory_for_sounds_is_full(tones, tmp_path, workers):
    train, test = tones.fold_split(1)
    train = [*train[:-1], damaged(train[-1], tmp_path, sound=True)]
    settings = StageSettings("audio-pretrain", size="audioclip-tiny", cache_gigabytes=UNCACHED, workers=workers)
    with pytest.warns(UserWarning, match=r"1 items are left out: .*is truncated"):
        result = run_stage(tones, settings, QUICK, train=train, test=test, folder=tmp_path / "run")
    assert (result.items["train"], result.left_out) == (29, 1)
    assert list(problems(tmp_path / "run")) == [train[-1].name]
    with pytest.warns(UserWarning, match="1 items are left out"):
        again = run_stage(tones, settings, QUICK, train=train, test=test, folder=tmp_path / "run", resume=True)
    assert again.test == result.test


def test_an_item_is_left_out_if_none_of_its_frames_can_be_read(tones, tmp_path):
    train, test = tones.fold_split(1)
    train = [damaged(train[0], tmp_path, frames=(0, 1)), damaged(train[1], tmp_path, frames=(1,)), *train[2:]]
    os.mkfifo(tmp_path / "pipe.png")
    train[2] = replace(train[2], images=(tmp_path / "pipe.png",))
    settings = StageSettings("joint", size="audioclip-tiny", cache_gigabytes=UNCACHED)
    options = replace(QUICK, epochs=2)
    with pytest.warns(UserWarning, match=r"2 items are left out: .*truncated.*pipe\.png: is a pipe"):
        result = run_stage(tones, settings, options, train=train, test=test, folder=tmp_path / "run")
    assert (result.items["train"], result.left_out) == (28, 2)
    assert list(problems(tmp_path / "run")) == [train[0].name, train[2].name]


def test_an_item_of_which_all_frames_are_too_narrow_is_left_out(tones, tmp_path):
    """They can be decoded, and no head takes them."""
    train, test = tones.fold_split(1)
    Image.new("RGB", (2000, 1)).save(tmp_path / "line.png")
    train = [replace(train[0], images=(tmp_path / "line.png",)), *train[1:]]
    settings = StageSettings("joint", size="audioclip-tiny")
    with pytest.warns(UserWarning, match=r"1 items are left out: a picture of 2000 x 1 pixels is too narrow"):
        result = run_stage(tones, settings, QUICK, train=train, test=test)
    assert (result.items["train"], result.left_out) == (29, 1)


def test_another_frame_of_the_same_item_stands_in(tones, tmp_path):
    """Frozen heads look at every frame: the damaged one has its neighbour's vector."""
    train, test = tones.fold_split(1)
    twins = replace(train[0], images=(train[0].images[1], train[0].images[1]))
    bad = damaged(replace(train[0], name="twins"), tmp_path, frames=(0,))
    settings = StageSettings("cooperative", size="audioclip-tiny")
    runs = []
    for first in (replace(twins, name="twins"), bad):
        folder = tmp_path / first.images[0].stem
        run_stage(tones, settings, QUICK, train=[first, *train[1:]], test=test, folder=folder)
        runs.append((folder / "model.safetensors").read_bytes())
    assert runs[0] == runs[1]


def test_strict_refuses_before_anything_is_written(tones, tmp_path):
    train, test = tones.fold_split(1)
    train = [*train[:-1], damaged(train[-1], tmp_path, sound=True)]
    settings = StageSettings("audio-pretrain", size="audioclip-tiny")
    with pytest.raises(ContentError, match=r"1 items cannot be read: .*is truncated"):
        run_stage(tones, settings, QUICK, train=train, test=test, folder=tmp_path / "run", strict=True)
    assert not (tmp_path / "run").exists()


def test_figures_are_of_the_items_that_can_be_read(tones, tmp_path):
    torch.manual_seed(0)
    AudioCLIP.from_preset("audioclip-tiny").save(tmp_path / "model.safetensors", preset="audioclip-tiny")
    model, settings = StageModel.read(tmp_path / "model.safetensors"), StageSettings("joint", size="audioclip-tiny")
    items = tones.items[:12]
    expected = assess(model, tones, items[:11], settings).figures
    last = damaged(items[11], tmp_path, sound=True, frames=(0, 1))
    with pytest.warns(UserWarning, match="1 items are left out"):
        assert assess(model, tones, [*items[:11], last], settings).figures == expected


WRITERS = {
    "checkpoint.pt": lambda folder: CheckpointFolder(folder, "a run").write({"history": [{"epoch": 1}]}),
    "segments.csv": lambda folder: write_segment_table(folder, []),
    "sound.flac": lambda folder: write_sound(folder / "sound.flac", torch.zeros(100), 16_000),
    "film.mp4": lambda folder: write_film(folder / "film.mp4", Film(torch.zeros(4, 32, 32, 3, dtype=torch.uint8), 10)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_is_told_and_spoils_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    WRITERS[name](tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        WRITERS[name](tmp_path)
    assert str(caught.value.filename) == str(tmp_path / name)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    shutil.rmtree(tmp_path)
