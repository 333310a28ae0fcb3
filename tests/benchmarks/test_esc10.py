"""Classification of sounds over folds."""

import math
import statistics
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")
soundfile = pytest.importorskip("soundfile")

from esc10 import Sounds, accuracy_by_fold, find_sounds, main  # noqa: E402

from encoders import create_encoder  # noqa: E402

FOLDS, TAKES, RATE = 4, 4, 8_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tones and noise of any height and loudness."""
    random = np.random.default_rng(0)
    time = np.arange(RATE // 2) / RATE
    for name in ("001 - tone", "002 - noise"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for fold in range(1, FOLDS + 1):
            for take in range(TAKES):
                tone = np.sin(2 * math.pi * random.uniform(200, 3000) * time)
                samples = tone if "tone" in name else random.uniform(-1, 1, len(time))
                path = tmp_path / "data" / name / f"{fold}-{1000 + take}-A.wav"
                soundfile.write(path, samples * random.uniform(0.1, 0.9), RATE)
    (tmp_path / "data" / "README.txt").write_text("no class")
    return tmp_path / "data"


def test_classes_and_folds_are_found(folder: Path) -> None:
    (folder / "001 - tone" / ".hidden").touch()
    sounds = find_sounds(folder)
    assert sounds.classes == ["001 - tone", "002 - noise"]
    assert sounds.labels.tolist() == [0] * FOLDS * TAKES + [1] * FOLDS * TAKES
    assert sounds.folds.tolist() == [fold for fold in range(1, FOLDS + 1) for _ in range(TAKES)] * 2
    assert [path.parent.name for path in sounds.paths[:: FOLDS * TAKES]] == sounds.classes


def test_other_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"at least 2 classes, and at least 3 folds \(got 0 and 0\)"):
        find_sounds(tmp_path / "missing")
    (folder / "001 - tone" / "cover.wav").touch()
    with pytest.raises(SystemExit, match=r"cover\.wav: must start with the digit of its fold"):
        find_sounds(folder)


def test_a_fold_is_predicted_from_the_others_alone() -> None:
    """The first fold has the classes the other way round: nothing of it can be right, and all of the others is."""
    random = np.random.default_rng(0)
    labels, folds = np.tile([0, 1], 50), np.repeat(np.arange(1, 6), 20)
    side = np.where(folds == 1, -1, 1) * (2 * labels - 1)
    features = np.stack([5 * side + random.normal(size=100), random.normal(size=100)], axis=1)
    sounds = Sounds([Path("x")] * 100, labels, folds, ["a", "b"])
    assert accuracy_by_fold(features, sounds) == {1: 0.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0}


def test_noise_is_chance() -> None:
    random = np.random.default_rng(1)
    labels, folds = np.tile(np.arange(4), 100), np.repeat(np.arange(1, 6), 80)
    sounds = Sounds([Path("x")] * 400, labels, folds, list("abcd"))
    accuracies = accuracy_by_fold(random.normal(size=(400, 10)), sounds)
    assert abs(statistics.mean(accuracies.values()) - 0.25) < 0.08


def test_the_report(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "esc10.md"
    main([str(folder), "--encoder", "mean-spectrum", "--out", str(out)])
    text = out.read_text()
    assert text in capsys.readouterr().out
    row = next(line for line in text.splitlines() if line.startswith("| mean-spectrum"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:3] == ["mean-spectrum", "none", "80"]
    accuracies = [float(cell) for cell in cells[3 : 3 + FOLDS]]
    assert accuracies == [100.0] * FOLDS and cells[3 + FOLDS : 5 + FOLDS] == ["100.0", "0.0"]
    assert "32 sounds of 2 classes, 4 folds" in " ".join(text.split())
    assert "    python benchmarks/esc10.py DATA --encoder mean-spectrum" in text.splitlines()
    assert str(tmp_path) not in text


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_weights_belong_to_the_encoder_before_them(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "tiny.safetensors"
    create_encoder("audioclip-tiny", "audio").model.save(weights, preset="audioclip-tiny")
    arguments = ["--encoder", "audioclip-tiny", "--weights", str(weights), "--encoder", "mean-spectrum"]
    main([str(folder), *arguments, "--out", str(tmp_path / "esc10.md")])
    text = capsys.readouterr().out
    assert "| audioclip-tiny | tiny.safetensors | 64 |" in text and "| mean-spectrum | none | 80 |" in text
    assert "DATA --encoder audioclip-tiny --weights tiny.safetensors --encoder mean-spectrum" in text
    for wrong in (
        ["--weights", "file"],
        ["--encoder", "musicnn", "--weights", "file", "--weights", "file"],
    ):
        with pytest.raises(SystemExit):
            main([str(folder), *wrong])
        assert "--weights must follow the --encoder that they belong to" in capsys.readouterr().err
