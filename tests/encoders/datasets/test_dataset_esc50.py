import pytest

from encoders.datasets import read_collection, read_esc50
from encoders.errors import DatasetError, EncoderError


def test_items_in_the_order_of_the_table(esc50):
    collection = read_collection(esc50)
    assert (collection.name, collection.seconds, collection.multi_label) == ("esc50", 5.0, False)
    assert collection.classes == ("dog", "rain", "chirping birds")
    assert [item.labels for item in collection.items] == [(0,), (1,), (2,), (0,), (2,), (1,)]
    assert [item.fold for item in collection.items] == [1, 1, 2, 2, 3, 5]
    first = collection.items[0]
    assert first.name == "1-100032-A-0.wav" and first.audio == esc50 / "audio" / "1-100032-A-0.wav"
    assert all(item.audio.is_file() and item.images == () and item.part is None for item in collection.items)
    assert first.recording == "100032" and all(item.recording == item.name.split("-")[1] for item in collection.items)
    assert collection.folds == [1, 2, 3, 5] and collection.parts == []
    assert collection.label_text(collection.items[2]) == "chirping birds"


def test_esc10_only(esc50):
    for path in (esc50 / "audio").glob("*-14.wav"):
        path.unlink()  # files of other classes need not be there
    collection = read_collection(esc50, esc10_only=True)
    assert collection.name == "esc10" and collection.classes == ("dog", "rain")
    assert [item.labels for item in collection.items] == [(0,), (1,), (0,), (1,)]
    with pytest.raises(DatasetError, match=r"rows? 4, .*must be a sound in .*2-100038-A-14.wav'\); also row 6$"):
        read_collection(esc50)


def test_missing_columns(esc50, replace_in):
    replace_in(esc50 / "meta" / "esc50.csv", "filename,fold,target", "file,fold,class")
    with pytest.raises(DatasetError, match=r"esc50\.csv, row 1: must name the columns .*; filename, target are"):
        read_collection(esc50)
    replace_in(esc50 / "meta" / "esc50.csv", "file,fold,class", "filename,fold,target")
    replace_in(esc50 / "meta" / "esc50.csv", "esc10", "mark")
    assert len(read_esc50(esc50)) == 6
    with pytest.raises(DatasetError, match=r"; esc10 is missing \(got filename, fold, .*mark"):
        read_esc50(esc50, esc10_only=True)


@pytest.mark.parametrize(
    "old, new, problem",
    [
        (",1,0,dog", ",6,0,dog", r"row 2, column 'fold': must be a whole number from 1 to 5 \(got '6'\)"),
        (",1,0,dog", ",one,0,dog", r"row 2, column 'fold': .*\(got 'one'\)"),
        (",3,14,", ",3,-1,", r"row 6, column 'target': must be a whole number of at least 0 \(got '-1'\)"),
        (",3,14,", ",3,14.5,", r"row 6, column 'target': .*\(got '14.5'\)"),
        ("2-100786", "1-100032", r"row 5, column 'filename': must be unique \(got '1-100032-A-0.wav', as row 2 has\)"),
        ("2-100786", "2-1", r"row 5, column 'filename': must be a sound in .*audio \(got '2-1-A-0.wav'\)"),
        ("2-100786", "../2-1", r"row 5, column 'filename': must be a sound in .*audio \(got '../2-1-A-0.wav'\)"),
        (",5,10,rain", ",5,10,snow", r"row 7, column 'category': must be 'rain' for target 10 \(got 'snow'\)"),
        (",5,10,rain", ",5,11,rain", r"row 7, column 'target': must be 10 for category 'rain' \(got 11\)"),
        (",5,10,rain", ",5,10,", r"row 7, column 'category': must not be empty \(got ''\)"),
        (",True,194930,B", "", r"row 7: must have 7 values \(got 4\)"),
    ],
)
def test_what_is_wrong_is_told_by_file_row_and_column(esc50, replace_in, old, new, problem):
    replace_in(esc50 / "meta" / "esc50.csv", old, new)
    with pytest.raises(DatasetError, match=rf"^[^\n]*esc50.csv, {problem}$") as caught:
        read_collection(esc50)
    assert len(caught.value.problems) == 1
    assert isinstance(caught.value, ValueError) and isinstance(caught.value, EncoderError)


def test_several_problems_are_told_together(esc50, replace_in):
    table = esc50 / "meta" / "esc50.csv"
    replace_in(table, ",2,", ",9,")
    replace_in(table, ",5,10,rain", ",5,10,snow")
    (esc50 / "audio" / "1-17367-A-10.wav").unlink()
    with pytest.raises(DatasetError) as caught:
        read_collection(esc50)
    assert len(caught.value.problems) == 3 and str(caught.value).startswith("3 problems:\n  - ")
    fold, category, file = caught.value.problems
    assert "row 4, column 'fold'" in fold and fold.endswith("(got '9'); also row 5")
    assert "row 7, column 'category'" in category and "row 3, column 'filename'" in file


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "row 1: must name the columns .*got nothing"),
        (b"filename,fold,target,category\n", r"must have rows below its header \(got none\)"),
        (b"filename,fold,target,category\n\xff\xfe,1,2,3\n", "must be text in UTF-8"),
        (b'filename,fold,target,category\n"a.wav,1,2,3\n', "row 2: must be comma-separated values"),
    ],
)
def test_files_that_are_no_tables(esc50, content, message):
    (esc50 / "meta" / "esc50.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_collection(esc50)


@pytest.mark.parametrize("mark, message", [("maybe", r"must be True or False \(got 'maybe'\)"), ("False", "got none")])
def test_marks_of_esc10(esc50, replace_in, mark, message):
    replace_in(esc50 / "meta" / "esc50.csv", "True", mark)
    with pytest.raises(DatasetError, match=f"column 'esc10': .*{message}"):
        read_collection(esc50, esc10_only=True)


def test_a_byte_order_mark_and_blank_lines(esc50):
    table = esc50 / "meta" / "esc50.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert len(read_collection(esc50)) == 6
    (esc50 / "audio" / "1-17367-A-10.wav").unlink()
    with pytest.raises(DatasetError, match="row 5, column 'filename'"):  # as an editor numbers rows
        read_collection(esc50)
