import pytest

from encoders.datasets import read_collection
from encoders.errors import DatasetError


@pytest.fixture
def imagenet(tmp_path, write_picture):
    root = tmp_path / "image net"
    for name in ("train/n01440764/n01440764_2", "train/n01440764/n01440764_10", "train/n02012849/n02012849_1"):
        write_picture(root / f"{name}.JPEG")
    for name in ("val/n02012849/ILSVRC2012_val_1", "val/n03126707/ILSVRC2012_val_2"):
        write_picture(root / f"{name}.JPEG")
    (root / "LOC_synset_mapping.txt").write_text(
        "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius auratus\nn02012849 crane\nn03126707 crane\n"
    )
    return root


def test_parts_and_names(imagenet):
    collection = read_collection(imagenet)
    assert (collection.name, collection.seconds, collection.multi_label) == ("image net", None, False)
    assert collection.classes == ("tench", "crane", "crane")  # two classes of one name
    assert [item.name for item in collection.items] == [
        "train/n01440764/n01440764_2.JPEG",
        "train/n01440764/n01440764_10.JPEG",
        "train/n02012849/n02012849_1.JPEG",
        "val/n02012849/ILSVRC2012_val_1.JPEG",
        "val/n03126707/ILSVRC2012_val_2.JPEG",
    ]
    assert [item.labels for item in collection.items] == [(0,), (0,), (1,), (1,), (2,)]
    assert [item.part for item in collection.items] == ["train"] * 3 + ["valid"] * 2
    assert all(item.audio is None and item.images[0].is_file() for item in collection.items)
    assert collection.parts == ["train", "valid"] and len(collection.part("valid")) == 2


def test_names_from_another_file_or_from_the_folders(imagenet):
    mapping = imagenet / "LOC_synset_mapping.txt"
    mapping.rename(imagenet / "classes.txt")
    assert read_collection(imagenet).classes == ("tench", "crane", "crane")
    (imagenet / "classes.txt").unlink()
    assert read_collection(imagenet).classes == ("n01440764", "n02012849", "n03126707")


def test_classes_at_the_top(tmp_path, write_picture):
    for name in ("sea_waves", "train", "Dog"):  # "train" is a class: it has pictures
        write_picture(tmp_path / name / "a.jpg")
    collection = read_collection(tmp_path)
    assert collection.classes == ("Dog", "sea waves", "train") and collection.parts == []


def test_a_part_without_class_folders(imagenet, write_picture):
    write_picture(imagenet / "test" / "ILSVRC2012_test_1.JPEG")
    with pytest.raises(DatasetError, match=r"test: must have a folder for each class \(got no folders\)"):
        read_collection(imagenet)


def test_a_class_without_pictures(imagenet):
    (imagenet / "train" / "n03126707").mkdir()
    with pytest.raises(DatasetError, match=r"train/n03126707: must have pictures of its class \(.*\.jpg.*got none\)"):
        read_collection(imagenet)


@pytest.mark.parametrize(
    "old, new, problem",
    [
        ("n02012849 crane\n", "", r"must have a line for each class folder \('n02012849' missing\)"),
        ("n02012849 crane\n", "n02012849\n", r"row 3: must be a folder's name, .*\(got 'n02012849'\)"),
        ("n03126707 crane", "n02012849 machine", r"row 4: folders must have one name \(got 'n02012849' again\)"),
    ],
)
def test_wrong_names(imagenet, replace_in, old, new, problem):
    replace_in(imagenet / "LOC_synset_mapping.txt", old, new)
    with pytest.raises(DatasetError, match=rf"LOC_synset_mapping.txt(, |: ){problem}"):
        read_collection(imagenet)


def test_names_that_are_no_text(imagenet):
    (imagenet / "LOC_synset_mapping.txt").write_bytes(b"n01440764 \xff\n")
    with pytest.raises(DatasetError, match="must be text in UTF-8"):
        read_collection(imagenet)
