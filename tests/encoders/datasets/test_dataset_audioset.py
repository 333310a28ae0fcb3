import warnings

import pytest
import torch

from encoders.datasets import evaluation_frame, read_collection
from encoders.errors import DatasetError

TABLES = ("balanced_train_segments.csv", "unbalanced_train_segments.csv", "eval_segments.csv")


@pytest.mark.filterwarnings("ignore:.*neither sound nor frames")
def test_segments_that_have_files(audioset):
    collection = read_collection(audioset)
    assert (collection.name, collection.seconds, collection.multi_label) == ("audioset", 10.0, True)
    assert collection.classes == ("Speech", "Male speech, man speaking", "Domestic animals, pets", "Squeak")
    assert [item.name for item in collection.items] == [
        "--4gqARaEJE_0.000",
        "---1_cCGK4M_0.000",
        "_7iM0000000_210.000",
    ]
    both, sound, frames = collection.items
    assert [item.part for item in collection.items] == ["train", "train", "test"]
    assert both.audio == audioset / "audio" / "--4gqARaEJE_0.000.wav"
    assert [path.name for path in both.images] == ["frame 1.jpg", "frame 2.jpg", "frame 10.jpg"]
    assert sound.audio == audioset / "audio" / "---1_cCGK4M.flac" and sound.images == ()
    assert frames.audio is None and [path.name for path in frames.images] == ["01.JPG", "02.JPG", "10.JPG"]
    assert evaluation_frame(frames.images).name == "02.JPG"
    assert collection.missing == 2 and collection.folds == []
    assert [item.labels for item in collection.items] == [(2, 3), (0, 1), (3,)]
    assert collection.label_text(both) == "Domestic animals, pets, Squeak"
    expected = torch.tensor([[0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 1]], dtype=torch.bool)
    assert torch.equal(collection.label_matrix(collection.items), expected)
    assert collection.part("train") == (both, sound) and collection.part("test") == (frames,)


def test_missing_segments_are_warned_of(audioset):
    with pytest.warns(UserWarning, match=r"2 of 5 segments have neither .*: --BfvyPmVMo_20.000, --_film3456_30.000$"):
        read_collection(audioset)


def test_nothing_missing_no_warning(audioset, write_sound):
    for name in ("--BfvyPmVMo_20.000.mp3", "--_film3456_30.000.ogg"):
        write_sound(audioset / "audio" / name, [[0.1] * 4_000], 44_100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_collection(audioset).missing == 0


@pytest.mark.filterwarnings("ignore:.*neither sound nor frames")
def test_one_table_is_enough(audioset):
    for name in TABLES[1:]:
        (audioset / name).unlink()
    collection = read_collection(audioset)
    assert [item.name for item in collection.items] == ["--4gqARaEJE_0.000"] and len(collection.classes) == 4


@pytest.mark.filterwarnings("ignore:.*neither sound nor frames")
def test_films_of_two_segments_need_the_start(audioset):
    with (audioset / TABLES[2]).open("a") as file:
        file.write('---1_cCGK4M, 50.000, 60.000, "/m/09x0r"\n')
    assert "---1_cCGK4M_0.000" not in [item.name for item in read_collection(audioset).items]
    sound = audioset / "audio" / "---1_cCGK4M.flac"
    sound.rename(sound.with_name("---1_cCGK4M_50.000.flac"))
    item = read_collection(audioset).items[-1]
    assert (item.name, item.part, item.labels) == ("---1_cCGK4M_50.000", "test", (0,))
    assert item.recording == "---1_cCGK4M"


@pytest.mark.filterwarnings("ignore:.*neither sound nor frames")
def test_classes_follow_their_index_and_not_their_row(audioset):
    expected = read_collection(audioset)
    table = audioset / "class_labels_indices.csv"
    header, *rows = table.read_text().splitlines()
    table.write_text("\n".join([header, *rows[::-1]]))
    assert read_collection(audioset) == expected


def test_no_files_at_all(audioset):
    (audioset / "audio").rename(audioset / "sounds")
    (audioset / "frames").rename(audioset / "pictures")
    with pytest.raises(DatasetError, match=r"such as .*audio/--4gqARaEJE_0.000.wav \(got none\)"):
        read_collection(audioset)


def test_no_tables(audioset):
    for name in TABLES:
        (audioset / name).unlink()
    with pytest.raises(DatasetError, match=r"must have one or more of balanced_train_segments\.csv, .*got none"):
        read_collection(audioset, "audioset")


def test_no_labels(audioset):
    (audioset / "class_labels_indices.csv").unlink()
    with pytest.raises(DatasetError, match=r"class_labels_indices\.csv: cannot be read: no such file"):
        read_collection(audioset)


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ('"/m/09x0r"', '"/m/0unknown"', r"row 5, column 'positive_labels': .*csv \(got '/m/0unknown'\)"),
        ('"/m/09x0r"', "", r"row 5, column 'positive_labels': .*\(got ''\)"),
        (", 20.000, 30", ", soon, 30", r"row 5, column 'start_seconds': must be a number .*\(got 'soon'\)"),
        (", 20.000, 30", ", -1, 30", r"row 5, column 'start_seconds': .*at least 0 \(got '-1'\)"),
        ("30.000", "20.000", r"row 5, column 'end_seconds': .*above the start \(got '20.000'\)"),
        ("30.000", "inf", r"row 5, column 'end_seconds'"),
        ("--BfvyPmVMo, 20", "--4gqARaEJE, 0", r"row 5, column 'YTID': must be one .*\(got --4gqARaEJE_0.000 again\)"),
        ("--BfvyPmVMo", "../escape", r"row 5, column 'YTID': must be the identifier of a film \(got '../escape'\)"),
        (", 30.000", "", r"row 5: must have 4 values \(got 3\)"),
        ("# YTID, start", "# YTID, begin", r"row 4: must be below a row '# YTID, .*\(got # YTID, begin_seconds, "),
    ],
)
def test_what_is_wrong_is_told_by_file_row_and_column(audioset, replace_in, old, new, problem):
    replace_in(audioset / TABLES[0], old, new)
    with pytest.raises(DatasetError, match=rf"^[^\n]*{TABLES[0]}, {problem}") as caught:
        read_collection(audioset)
    assert len(caught.value.problems) == 1


def test_problems_of_all_tables_are_told_together(audioset, replace_in, write_sound):
    replace_in(audioset / TABLES[0], "/m/068hy", "/m/0unknown")
    replace_in(audioset / TABLES[2], ", 30.000, 40", ", 50.000, 40")
    (audioset / TABLES[1]).write_text("# YTID, start_seconds, end_seconds, positive_labels\n")
    write_sound(audioset / "audio" / "--4gqARaEJE_0.000.flac")
    with pytest.raises(DatasetError) as caught:
        read_collection(audioset)
    labels, empty, times, double = caught.value.problems
    assert "positive_labels" in labels and "must have segments" in empty and "end_seconds" in times
    assert "must be the only sound of its segment (got --4gqARaEJE_0.000.flac, too)" in double


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("3,/m/07q6cd_", "4,/m/07q6cd_", r"row 5, column 'index': must be a whole number from 0 to 3 \(got '4'\)"),
        ("3,/m/07q6cd_", "2,/m/07q6cd_", r"row 5, column 'index': must be unique \(got '2', as row 4 has\)"),
        ("/m/07q6cd_", "/m/068hy", r"row 5, column 'mid': must be unique"),
        ('"Squeak"', "", r"row 5, column 'display_name': must not be empty"),
        ("mid", "id", r"row 1: must name the columns index, mid, display_name; mid is missing"),
    ],
)
def test_wrong_labels(audioset, replace_in, old, new, problem):
    replace_in(audioset / "class_labels_indices.csv", old, new)
    with pytest.raises(DatasetError, match=f"class_labels_indices.csv, {problem}"):
        read_collection(audioset)
