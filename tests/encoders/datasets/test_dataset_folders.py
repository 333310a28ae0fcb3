from pathlib import Path

import pytest

from encoders.datasets import load_sound, read_collection
from encoders.errors import DatasetError

ESC10 = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "esc10"


@pytest.fixture
def esc10(tmp_path, write_sound):
    root = tmp_path / "my sounds"
    for name in ("010 - Fire crackling/2-4211-A", "010 - Fire crackling/1-4211-A", "001 - Dog bark/1-100032-B"):
        write_sound(root / f"{name}.ogg", [[0.1] * 4_000], 44_100)
    (root / "README.txt").write_text("no class")
    (root / ".git").mkdir()
    (root / "001 - Dog bark" / ".hidden.ogg").write_bytes(b"")
    (root / "001 - Dog bark" / "notes.txt").write_text("no sound")
    return root


def test_folders_of_esc10(esc10):
    collection = read_collection(esc10)
    assert (collection.name, collection.classes, collection.seconds) == (
        "my sounds",
        ("dog bark", "fire crackling"),
        5.0,
    )
    assert [item.name for item in collection.items] == [
        "001 - Dog bark/1-100032-B.ogg",
        "010 - Fire crackling/1-4211-A.ogg",
        "010 - Fire crackling/2-4211-A.ogg",
    ]
    assert [(item.labels, item.fold) for item in collection.items] == [((0,), 1), ((1,), 1), ((1,), 2)]
    assert [item.recording for item in collection.items] == ["100032", "4211", "4211"]
    assert all(item.audio.is_file() and item.part is None for item in collection.items)


def test_folds_only_where_all_files_have_one(esc10, write_sound):
    write_sound(esc10 / "001 - Dog bark" / "more.wav")
    collection = read_collection(esc10)
    assert len(collection) == 4 and collection.folds == [] and collection.seconds is None
    write_sound(esc10 / "001 - Dog bark" / "more.wav").rename(esc10 / "001 - Dog bark" / "9-more.wav")
    collection = read_collection(esc10)
    assert collection.folds == [1, 2, 9] and collection.seconds is None


@pytest.mark.parametrize("name", ["10-more.wav", "0-more.wav", "100032-1.wav"])
def test_a_fold_is_one_digit_from_1(esc10, write_sound, name):
    write_sound(esc10 / "001 - Dog bark" / name)
    assert read_collection(esc10).folds == []


def test_names_of_classes(tmp_path, write_sound):
    for name in ("7 -Sea_waves", "Rain 2", "2010s pop", "12"):
        write_sound(tmp_path / name / "a.wav")
    assert read_collection(tmp_path).classes == ("sea waves", "12", "2010s pop", "rain 2")


def test_folders_are_in_the_order_of_their_numbers(tmp_path, write_sound):
    for number in (1, 2, 10):
        write_sound(tmp_path / f"{number} - class{number}" / "a.wav")
    assert read_collection(tmp_path).classes == ("class1", "class2", "class10")


def test_wrong_folders_are_told_together(esc10):
    (esc10 / "011 - Nothing").mkdir()
    (esc10 / "012 - Texts").mkdir()
    (esc10 / "012 - Texts" / "a.txt").write_text("a")
    with pytest.raises(DatasetError, match="2 problems") as caught:
        read_collection(esc10)
    assert "011 - Nothing: must have sounds of its class (" in caught.value.problems[0]
    assert ".flac" in caught.value.problems[0] and "012 - Texts" in caught.value.problems[1]


def test_one_class_is_none(tmp_path, write_sound):
    write_sound(tmp_path / "audio" / "a.wav")
    with pytest.raises(DatasetError, match=r"must have folders of at least 2 classes \(got 'audio'\)"):
        read_collection(tmp_path)


def test_two_folders_of_one_class(esc10, write_sound):
    write_sound(esc10 / "dog_bark" / "1-1-A.ogg", [[0.1] * 4_000], 44_100)
    with pytest.raises(DatasetError, match=r"dog_bark: must be another class than 001 - Dog bark \(got 'dog bark' ag"):
        read_collection(esc10)


def test_an_empty_folder(tmp_path):
    with pytest.raises(DatasetError, match=r"must have a folder for each class \(got no folders\)"):
        read_collection(tmp_path, "folders")


@pytest.mark.slow
@pytest.mark.skipif(not ESC10.is_dir(), reason="the real data do not lie beside this checkout")
def test_the_real_esc10():
    collection = read_collection(ESC10)
    assert len(collection) == 400 and collection.seconds == 5.0
    assert collection.classes == (
        *("dog bark", "rain", "sea waves", "baby cry", "clock tick"),
        *("person sneeze", "helicopter", "chainsaw", "rooster", "fire crackling"),
    )
    assert collection.label_matrix(collection.items).sum(dim=0).tolist() == [40] * 10
    assert collection.folds == [1, 2, 3, 4, 5]
    for fold in collection.folds:
        training, held_out = collection.fold_split(fold)
        assert (len(training), len(held_out)) == (320, 80)
        assert collection.label_matrix(held_out).sum(dim=0).tolist() == [8] * 10
    for item in collection.items[::40]:
        assert load_sound(item, 44_100, 2).shape[0] == 2
        assert 4.5 * 44_100 < load_sound(item, 44_100).shape[1] < 5.5 * 44_100
