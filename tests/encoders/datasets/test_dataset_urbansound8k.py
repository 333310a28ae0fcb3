import pytest

from encoders.datasets import read_collection
from encoders.errors import DatasetError


def test_items_in_the_order_of_the_table(urbansound8k):
    collection = read_collection(urbansound8k)
    assert (collection.name, collection.seconds, collection.multi_label) == ("urbansound8k", 4.0, False)
    assert collection.classes == ("car horn", "children playing", "dog bark")
    assert [item.labels for item in collection.items] == [(2,), (1,), (0,), (0,)]
    assert [item.fold for item in collection.items] == [5, 5, 10, 7]
    assert collection.folds == [5, 7, 10]
    assert collection.items[2].recording == "100648"
    assert all(item.recording == item.name.split("-")[0] for item in collection.items)
    assert collection.items[2].audio == urbansound8k / "audio" / "fold10" / "100648-1-0-0.wav"
    assert all(item.audio.is_file() for item in collection.items)


def test_a_sound_of_another_fold_is_missing(urbansound8k):
    (urbansound8k / "audio" / "fold7" / "99812-1-6-0.wav").rename(urbansound8k / "audio" / "fold5" / "99812-1-6-0.wav")
    with pytest.raises(DatasetError, match=r"row 5, column 'slice_file_name': must be a sound in .*fold7 \(got '99812"):
        read_collection(urbansound8k)


@pytest.mark.parametrize(
    "old, new, problem",
    [
        (",10,1,car_horn", ",11,1,car_horn", r"row 4, column 'fold': must be a whole number from 1 to 10 \(got '11'\)"),
        (",10,1,car_horn", ",0,1,car_horn", r"row 4, column 'fold': .*\(got '0'\)"),
        ("10,1,car_horn", "10,1,bike_horn", r"row 5, column 'class': must be 'bike_horn' for classID 1"),
        ("99812-1-6-0.wav", "100648-1-0-0.wav", r"row 5, column 'slice_file_name': must be unique"),
        ("fold,classID", "part,classID", r"row 1: must name the columns .*; fold is missing"),
    ],
)
def test_what_is_wrong_is_told_by_file_row_and_column(urbansound8k, replace_in, old, new, problem):
    replace_in(urbansound8k / "metadata" / "UrbanSound8K.csv", old, new)
    with pytest.raises(DatasetError, match=problem):
        read_collection(urbansound8k)
