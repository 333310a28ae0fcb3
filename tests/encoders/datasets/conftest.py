from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

ESC_COLUMNS = "filename,fold,target,category,esc10,src_file,take"
URBAN_COLUMNS = "slice_file_name,fsID,start,end,salience,fold,classID,class"


@pytest.fixture
def write_sound() -> Callable[..., Path]:
    """Writes a short sound: the given samples of each channel, or a few of its own."""

    def write(path: Path, samples: Sequence[Sequence[float]] = ((0.5, -0.5),), rate: int = 8_000) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.array(samples).T, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
        return path

    return write


@pytest.fixture
def write_picture() -> Callable[..., Path]:
    def write(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (200, 10, 10)).save(path, format="JPEG")
        return path

    return write


@pytest.fixture
def esc50(tmp_path, write_sound) -> Path:
    """Six sounds, mono and stereo, in a folder whose name has spaces, as ESC-50 is published."""
    root = tmp_path / "ESC 50 master"
    rows = [
        "1-100032-A-0.wav,1,0,dog,True,100032,A",
        "1-17367-A-10.wav,1,10,rain,True,17367,A",
        "2-100038-A-14.wav,2,14,chirping_birds,False,100038,A",
        "2-100786-A-0.wav,2,0,dog,True,100786,A",
        "3-100018-A-14.wav,3,14,chirping_birds,False,100018,A",
        "5-194930-B-10.wav,5,10,rain,True,194930,B",
    ]
    for number, row in enumerate(rows):
        write_sound(root / "audio" / row.split(",")[0], [[0.1, 0.2]] * (1 + number % 2))
    (root / "meta").mkdir()
    (root / "meta" / "esc50.csv").write_text("\n".join([ESC_COLUMNS, *rows]) + "\n")
    return root


@pytest.fixture
def urbansound8k(tmp_path, write_sound) -> Path:
    root = tmp_path / "UrbanSound8K"
    rows = [
        "100032-3-0-0.wav,100032,0.0,0.317551,1,5,3,dog_bark",
        "100263-2-0-117.wav,100263,58.5,62.5,1,5,2,children_playing",
        "100648-1-0-0.wav,100648,4.823402,5.471927,2,10,1,car_horn",
        "99812-1-6-0.wav,99812,159.522205,163.522205,2,7,1,car_horn",
    ]
    for row in rows:
        values = row.split(",")
        write_sound(root / "audio" / f"fold{values[5]}" / values[0])
    (root / "metadata").mkdir()
    (root / "metadata" / "UrbanSound8K.csv").write_text("\n".join([URBAN_COLUMNS, *rows]) + "\n")
    return root


@pytest.fixture
def audioset(tmp_path, write_sound, write_picture) -> Path:
    """Published rows, and files of three of five segments."""
    root = tmp_path / "audioset"
    root.mkdir()
    (root / "class_labels_indices.csv").write_text(
        "index,mid,display_name\n"
        '0,/m/09x0r,"Speech"\n'
        '1,/m/05zppz,"Male speech, man speaking"\n'
        '2,/m/068hy,"Domestic animals, pets"\n'
        '3,/m/07q6cd_,"Squeak"\n'
    )
    balanced = ['--4gqARaEJE, 0.000, 10.000, "/m/07q6cd_,/m/068hy"', '--BfvyPmVMo, 20.000, 30.000, "/m/09x0r"']
    unbalanced = ['---1_cCGK4M, 0.000, 10.000, "/m/05zppz,/m/09x0r"']
    test = ['--_film3456, 30.000, 40.000, "/m/068hy"', '_7iM0000000, 210.000, 219.500, "/m/07q6cd_"']
    for name, rows in (("balanced_train", balanced), ("unbalanced_train", unbalanced), ("eval", test)):
        lines = [
            "# Segments csv created Sun Mar  5 10:54:31 2017",
            f"# num_ytids={len(rows)}, num_segs={len(rows)}, num_unique_labels=3, num_positive_labels=3",
            "# YTID, start_seconds, end_seconds, positive_labels",
            *rows,
        ]
        (root / f"{name}_segments.csv").write_text("\n".join(lines) + "\n")
    write_sound(root / "audio" / "--4gqARaEJE_0.000.wav")
    write_sound(root / "audio" / "---1_cCGK4M.flac")
    for number in (1, 2, 10):
        write_picture(root / "frames" / "--4gqARaEJE_0.000" / f"frame {number}.jpg")
        write_picture(root / "frames" / "_7iM0000000" / f"{number:02}.JPG")
    (root / "frames" / "_7iM0000000" / "notes.txt").write_text("no picture")
    return root


@pytest.fixture
def replace_in() -> Callable[[Path, str, str], None]:
    """Changes a text file; what is replaced must be there."""

    def replace(path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return replace
