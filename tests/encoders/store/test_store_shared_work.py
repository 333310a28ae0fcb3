"""Processes that encode into one folder: nobody's work is destroyed, and what is done is found done."""

import csv
from pathlib import Path

import pytest

from encoders import create_encoder
from encoders.errors import EncoderError
from encoders.store import Catalog, EncodeOptions, encode_catalog, merge_catalog
from encoders.store.blocks import block_path
from encoders.store.identity import make_header, work_folder

HERE = EncodeOptions(workers=0)
ITEMS = 150


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    texts = [None if item % 7 == 0 else f"words of item {item}" for item in range(ITEMS)]
    return Catalog(tmp_path, [f"={item}" if item == 3 else f"i{item}" for item in range(ITEMS)], {"text": texts})


def test_a_merge_after_the_merge_finds_it_done(catalog: Catalog, tmp_path: Path) -> None:
    encoder = create_encoder("hashed-words")
    for number in (1, 2):
        encode_catalog(encoder, catalog, tmp_path / "f", options=HERE, shard=(number, 2))
    first = merge_catalog(encoder, catalog, tmp_path / "f")
    content = first.path.read_bytes()
    assert merge_catalog(encoder, catalog, tmp_path / "f") == first
    assert first.path.read_bytes() == content
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["hashed-words.text.safetensors"]


def test_two_that_encode_the_same_both_end_well(catalog: Catalog, tmp_path: Path) -> None:
    encoder = create_encoder("hashed-words")
    wanted = encode_catalog(encoder, catalog, tmp_path / "alone", options=HERE).path
    assert wanted is not None
    inside = False

    def other(done: int, total: int) -> None:
        nonlocal inside
        if not inside:
            inside = True  # the other one goes through while this one is between two blocks
            encode_catalog(encoder, catalog, tmp_path / "f", options=HERE)

    report = encode_catalog(encoder, catalog, tmp_path / "f", options=HERE, on_progress=other)
    assert report.path is not None and report.path.read_bytes() == wanted.read_bytes()
    assert [path.name for path in (tmp_path / "f").iterdir()] == ["hashed-words.text.safetensors"]


def test_blocks_of_other_settings_stay(catalog: Catalog, tmp_path: Path) -> None:
    encoder = create_encoder("hashed-words")
    others = work_folder(tmp_path / "f", encoder, make_header(encoder, catalog, precision="bf16", weights=None))
    encode_catalog(encoder, catalog, tmp_path / "f", options=EncodeOptions(workers=0, precision="bf16"), shard=(1, 2))
    kept = sorted(path.name for path in others.iterdir())
    encode_catalog(encoder, catalog, tmp_path / "f", options=EncodeOptions(workers=0, precision="fp32"))
    assert kept and sorted(path.name for path in others.iterdir()) == kept


def test_a_damaged_block_is_encoded_again(catalog: Catalog, tmp_path: Path) -> None:
    encoder = create_encoder("hashed-words")
    wanted = encode_catalog(encoder, catalog, tmp_path / "alone", options=HERE).path
    for number in (1, 2):
        encode_catalog(encoder, catalog, tmp_path / "f", options=HERE, shard=(number, 2))
    header = make_header(encoder, catalog, precision="fp32", weights=None)
    block = block_path(work_folder(tmp_path / "f", encoder, header), 1)
    whole = block.read_bytes()
    for damage in (whole[:100], whole.replace(b'"problems":"{}"', b'"problems":"[}"')):
        block.write_bytes(damage)
        with pytest.raises(EncoderError, match="block-000001"):
            merge_catalog(encoder, catalog, tmp_path / "f")
    block.write_bytes(whole[:100])
    with pytest.raises(EncoderError, match="block-000001"):
        merge_catalog(encoder, catalog, tmp_path / "f")
    report = encode_catalog(encoder, catalog, tmp_path / "f", options=HERE)
    assert wanted is not None and report.path is not None and report.path.read_bytes() == wanted.read_bytes()


def test_the_place_of_weights_is_no_part_of_the_key(catalog: Catalog, tmp_path: Path) -> None:
    encoder = create_encoder("hashed-words")
    folders = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights").write_bytes(b"the same")
        header = make_header(encoder, catalog, precision="fp32", weights=tmp_path / name / "weights")
        folders.add(work_folder(tmp_path / "f", encoder, header))
    assert len(folders) == 1


def test_no_cell_of_the_problems_is_a_formula(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path, ["=cmd()", "fine"], {"image": ["=missing.png", "fine.png"]})
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "fine.png")
    report = encode_catalog(create_encoder("colour-histogram"), catalog, tmp_path / "f", options=HERE)
    assert report.path is not None
    with report.path.with_suffix(".problems.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[1][:2] == ["'=cmd()", "'=missing.png"]
