import pytest

from encoders.datasets import list_formats, read_collection
from encoders.errors import ArgumentError, DatasetError

FORMATS = ["audioset", "esc50", "folders", "images", "urbansound8k"]


def test_the_list():
    assert list_formats() == FORMATS


@pytest.mark.filterwarnings("ignore:.*neither sound nor frames")
@pytest.mark.parametrize("name", ["audioset", "esc50", "urbansound8k"])
def test_detected_as_if_named(request, name):
    path = request.getfixturevalue(name)
    assert read_collection(path) == read_collection(str(path), name)
    assert read_collection(path).name == name


def test_sounds_come_before_pictures(tmp_path, write_sound, write_picture):
    for name in ("dog", "rain"):
        write_sound(tmp_path / name / "a.wav")
        write_picture(tmp_path / name / "a.jpg")
    assert read_collection(tmp_path).items[0].audio is not None
    assert read_collection(tmp_path, "images").items[0].images != ()


def test_unknown_formats_list_what_there_is(tmp_path):
    with pytest.raises(
        ArgumentError, match=r"unknown format 'ESC-50'; did you mean 'esc50'\? Available: audioset, esc"
    ):
        read_collection(tmp_path, "ESC-50")
    with pytest.raises(ArgumentError, match=r"unknown format 'xyz'; Available: audioset, esc50, folders, images, urb"):
        read_collection(tmp_path, "xyz")


def test_nothing_known_tells_what_was_looked_for(tmp_path):
    with pytest.raises(DatasetError, match=r"no known layout; looked for: meta/esc50\.csv") as caught:
        read_collection(tmp_path)
    assert all(f"({name})" in str(caught.value) for name in FORMATS)


def test_no_folder(tmp_path):
    with pytest.raises(DatasetError, match="nowhere: no such folder"):
        read_collection(tmp_path / "nowhere")
    (tmp_path / "file.csv").write_text("a")
    with pytest.raises(DatasetError, match=r"file\.csv: must be a folder, not a file"):
        read_collection(tmp_path / "file.csv")


def test_a_named_format_that_is_not_there(esc50):
    with pytest.raises(DatasetError, match=r"UrbanSound8K\.csv: cannot be read: no such file"):
        read_collection(esc50, "urbansound8k")


def test_esc10_is_of_esc50_only(urbansound8k):
    with pytest.raises(ArgumentError, match=r"'esc10_only' must be False for format 'urbansound8k' \(got True\)"):
        read_collection(urbansound8k, esc10_only=True)
