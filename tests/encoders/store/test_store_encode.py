import csv
import os
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from small_encoders import LetterEncoder, PixelEncoder, draw, text_catalog

from encoders import create_encoder
from encoders.errors import ArgumentError, EncoderError
from encoders.r2plus1d import R2Plus1D
from encoders.store import Catalog, EncodeOptions, encode_catalog, merge_catalog

HERE = EncodeOptions(workers=0, batch_size=4)


class Interrupted(Exception):
    pass


def test_rows_are_the_means_of_each_items_samples(texts, tmp_path, small_blocks):
    encoder = LetterEncoder()
    report = encode_catalog(encoder, text_catalog(texts, tmp_path), tmp_path / "out", options=HERE)
    tensors = load_file(report.path)
    present = [place for place, text in enumerate(texts) if text is not None]
    assert tensors["mask"].nonzero().flatten().tolist() == present
    expected = encoder.encode([texts[place] for place in present])
    torch.testing.assert_close(tensors["x"][present], expected, atol=1e-6, rtol=1e-6)
    assert not tensors["x"][~tensors["mask"]].any()
    assert (report.items, report.encoded, report.covered, report.reused) == (37, 32, 32, 0)
    assert report.truncated == sum(len(text.split()) > 3 for text in texts if text)


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_give_the_same_bytes(texts, tmp_path, small_blocks, workers):
    catalog = text_catalog(texts, tmp_path)
    whole = encode_catalog(LetterEncoder(), catalog, tmp_path / "whole", options=HERE)
    shared = tmp_path / "shared"
    options = EncodeOptions(workers=workers, batch_size=4)
    for number in (3, 1, 4, 2):
        report = encode_catalog(LetterEncoder(), catalog, shared, options=options, shard=(number, 4))
        assert report.path is None
    merged = merge_catalog(LetterEncoder(), catalog, shared)
    assert merged.path.read_bytes() == whole.path.read_bytes()
    assert not (shared / ".encoding").exists()


def test_a_missing_shard_is_named(texts, tmp_path, small_blocks):
    catalog = text_catalog(texts, tmp_path)
    encode_catalog(LetterEncoder(), catalog, tmp_path, options=HERE, shard=(1, 2))
    with pytest.raises(EncoderError, match=r"2 of 5 blocks of 'letters' are not there yet \(first: 1\)"):
        merge_catalog(LetterEncoder(), catalog, tmp_path)


def test_an_interrupted_run_goes_on_and_encodes_nothing_again(texts, tmp_path, small_blocks):
    catalog = text_catalog(texts, tmp_path)
    whole = encode_catalog(LetterEncoder(), catalog, tmp_path / "whole", options=HERE)

    def interrupt(done: int, total: int) -> None:
        if done >= 16:
            raise Interrupted

    with pytest.raises(Interrupted):
        encode_catalog(LetterEncoder(), catalog, tmp_path / "cut", options=HERE, on_progress=interrupt)
    encoder = LetterEncoder()
    seen: list[tuple[int, int]] = []
    report = encode_catalog(
        encoder, catalog, tmp_path / "cut", options=HERE, on_progress=lambda done, total: seen.append((done, total))
    )
    words = sum(len(text.split()) for text in texts[16:] if text)
    assert encoder.seen == words
    assert seen[0] == (16, 37)
    assert seen[-1] == (37, 37)
    assert report.path.read_bytes() == whole.path.read_bytes()


def test_only_what_changed_is_encoded_again(pictures, tmp_path):
    first = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE)
    before = load_file(first.path)["x"]
    draw(tmp_path / "p7.png", 99)
    (tmp_path / "p9.png").unlink()
    os.utime(tmp_path / "p2.png", (1, 1))  # touched, not changed
    encoder = PixelEncoder()
    second = encode_catalog(encoder, pictures, tmp_path / "out", options=HERE)
    after = load_file(second.path)
    assert encoder.seen == 1
    assert (second.encoded, second.reused, second.covered) == (1, 17, 18)
    assert second.problems == {"9": "p9.png: does not exist"}
    assert (before != after["x"]).any(dim=1).nonzero().flatten().tolist() == [7, 9]


def test_reordered_and_new_items_reuse_by_content(pictures, tmp_path):
    first = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE)
    before = load_file(first.path)["x"]
    names = list(reversed(pictures.contents["image"]))
    draw(tmp_path / "new.png", 50)
    turned = Catalog(tmp_path, [*reversed(range(20)), 77], {"image": [*names, "new.png"]})
    encoder = PixelEncoder()
    report = encode_catalog(encoder, turned, tmp_path / "out", options=HERE)
    assert (encoder.seen, report.reused) == (1, 19)
    torch.testing.assert_close(load_file(report.path)["x"][:20], before.flip(0), atol=0, rtol=0)


def test_other_weights_encode_all_again(texts, tmp_path):
    catalog = text_catalog(texts, tmp_path)
    first = load_file(encode_catalog(LetterEncoder(), catalog, tmp_path, options=HERE).path)["x"]
    report = encode_catalog(LetterEncoder(seed=1), catalog, tmp_path, options=HERE)
    assert (report.encoded, report.reused) == (32, 0)
    assert not torch.allclose(load_file(report.path)["x"], first)


def test_a_block_whose_content_changed_meanwhile_is_encoded_again(pictures, tmp_path, small_blocks):
    def interrupt(done: int, total: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted):
        encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE, on_progress=interrupt)
    draw(tmp_path / "p1.png", 123)
    report = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE)
    fresh = encode_catalog(PixelEncoder(), pictures, tmp_path / "fresh", options=HERE)
    assert report.path.read_bytes() == fresh.path.read_bytes()


def test_problems_are_listed_and_masked(pictures, tmp_path):
    (tmp_path / "p3.png").write_bytes(b"no picture")
    (tmp_path / "p5.png").write_bytes(b"")
    report = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE)
    mask = load_file(report.path)["mask"]
    assert (~mask).nonzero().flatten().tolist() == [3, 4, 5]
    with (tmp_path / "out" / "pixels.image.problems.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["item_id"], row["content"]) for row in rows] == [("3", "p3.png"), ("5", "p5.png")]
    assert "is empty" in rows[1]["reason"]


def test_strict_writes_nothing(pictures, tmp_path):
    (tmp_path / "p3.png").write_bytes(b"no picture")
    with pytest.raises(EncoderError, match=r"not written, because 1 items have a problem:\n  - item 3: p3\.png"):
        encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE, strict=True)
    assert not (tmp_path / "out" / "pixels.image.safetensors").exists()
    draw(tmp_path / "p3.png", 3)
    assert encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE, strict=True).covered == 19


def test_nothing_readable_is_an_error_and_leaves_nothing(pictures, tmp_path):
    names = [f"elsewhere/{name}" for name in pictures.contents["image"]]
    catalog = Catalog(tmp_path, pictures.item_ids, {"image": names})
    with pytest.raises(EncoderError, match=r"no content could be read:\n  - item 0: elsewhere/p0\.png: does not exist"):
        encode_catalog(PixelEncoder(), catalog, tmp_path / "out", options=HERE)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]


def test_values_that_are_not_finite_are_a_problem(texts, tmp_path):
    class Broken(LetterEncoder):
        def forward(self, batch):
            return torch.where(batch[:, :1] > 0, torch.nan, super().forward(batch))  # words with an "a"

    report = encode_catalog(Broken(), text_catalog(["sea", "rock", "moon"], tmp_path), tmp_path, options=HERE)
    assert report.problems == {"i0": "the encoder gave a value that is not finite"}
    assert load_file(report.path)["mask"].tolist() == [False, True, True]


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_forty_hostile_files_are_forty_problems(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "content"))
    from hostile import film_bytes, picture_bytes, sound_bytes, write_hostile_folder

    root = tmp_path / "catalog"
    root.mkdir()
    expected = write_hostile_folder(root)
    assert len(expected) == 40
    films, texts = R2Plus1D(seed=0), LetterEncoder()
    texts.modality = "image"  # of the modalities whose entries are files, it does not matter which
    kinds = {".mp4": films, ".txt": texts} | dict.fromkeys(
        (".wav", ".flac", ".ogg", ".mp3"), create_encoder("mean-spectrum")
    )
    pictures, sounds = create_encoder("colour-histogram"), kinds[".wav"]
    good = {pictures: "good.png", sounds: "good.wav", films: "good.mp4", texts: "good.txt"}
    (root / "good.png").write_bytes(picture_bytes("PNG"))
    (root / "good.wav").write_bytes(sound_bytes("WAV"))
    (root / "good.mp4").write_bytes(film_bytes())
    (root / "good.txt").write_text("good words")
    found: dict[str, str] = {}
    for encoder in {pictures, *kinds.values()}:
        names = [entry for entry in expected if kinds.get(Path(entry).suffix, pictures) is encoder]
        names.append(good[encoder])
        catalog = Catalog(root, names, {encoder.modality: names})
        report = encode_catalog(encoder, catalog, tmp_path / "out", options=EncodeOptions(workers=1))
        found |= report.problems
        assert report.covered == 1
    assert len(found) == 40
    assert all(fragment in found[entry] for entry, fragment in expected.items())


def test_bf16_agrees_with_fp32(tmp_path):
    torch.manual_seed(0)
    catalog = text_catalog([f"word{chr(97 + place % 26)}{chr(97 + place % 7)}" for place in range(50)], tmp_path)
    rows = [
        load_file(
            encode_catalog(
                LetterEncoder(), catalog, tmp_path / kind, options=EncodeOptions(workers=0, precision=kind)
            ).path
        )["x"]
        for kind in ("fp32", "bf16")
    ]
    assert not torch.equal(*rows)
    assert float(torch.cosine_similarity(*rows).min()) > 0.999


def test_decoding_goes_on_while_the_encoder_works(tmp_path):
    class Slow(PixelEncoder):
        def forward(self, batch):
            time.sleep(0.2)
            return super().forward(batch)

    names = []
    for place in range(48):
        Image.new("RGB", (300, 300), (place, 0, 0)).save(tmp_path / f"{place}.png")
        names.append(f"{place}.png")
    catalog = Catalog(tmp_path, names, {"image": names})
    report = encode_catalog(Slow(), catalog, tmp_path / "out", options=EncodeOptions(workers=1, batch_size=4))
    assert report.forward_seconds > 2.2
    assert report.wait_seconds < report.forward_seconds


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": (0, 2)}, r"'shard' must be a number from 1 to the count of shards \(got 0/2\)"),
        ({"shard": (3, 2)}, r"got 3/2"),
    ],
)
def test_bad_shards(texts, tmp_path, options, message):
    with pytest.raises(ArgumentError, match=message):
        encode_catalog(LetterEncoder(), text_catalog(texts, tmp_path), tmp_path, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "'batch_size' must be a positive integer"),
        ({"workers": -1}, "'workers' must be an integer of at least 0"),
        ({"precision": "fp8"}, "'precision' must be one of auto, fp32, bf16, fp16"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ArgumentError, match=message):
        EncodeOptions(**options)


def test_a_device_that_is_not_there():
    with pytest.raises(ArgumentError, match="'device' must be one that there is"):
        EncodeOptions(device="warp").resolve()


def test_a_modality_that_no_item_has(tmp_path):
    with pytest.raises(ArgumentError, match="no item of the catalog has content of modality 'text'"):
        encode_catalog(LetterEncoder(), text_catalog([None, None], tmp_path), tmp_path)


def test_entries_must_match_the_items(tmp_path):
    with pytest.raises(ArgumentError, match=r"one entry an item: 2 \(got 1 of text\)"):
        Catalog(tmp_path, ["a", "b"], {"text": ["x"]})
