import os
from pathlib import Path

import pytest
import torch
from small_encoders import LetterEncoder, PixelEncoder, draw, text_catalog

from encoders.errors import EncoderError
from encoders.store import Catalog, EncodeOptions, check_fresh, encode_catalog

HERE = EncodeOptions(workers=0)


def test_unchanged_and_touched_files_are_fresh(pictures, tmp_path):
    path = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE).path
    check_fresh(path, pictures)
    for name in tmp_path.glob("*.png"):
        os.utime(name, (5, 5))
    check_fresh(path, pictures)


def test_a_changed_file_is_stale_even_at_the_same_size(pictures, tmp_path):
    path = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE).path
    data = bytearray((tmp_path / "p6.png").read_bytes())
    data[-20] ^= 1
    (tmp_path / "p6.png").write_bytes(bytes(data))
    os.utime(tmp_path / "p6.png", (5, 5))
    message = (
        r"the image of 1 items has changed \(6\); encode again: gnnrec encode .* --encoder pixels --modality image"
    )
    with pytest.raises(EncoderError, match=message):
        check_fresh(path, pictures)


def test_a_removed_and_an_added_file_are_stale(pictures, tmp_path):
    path = encode_catalog(PixelEncoder(), pictures, tmp_path / "out", options=HERE).path
    (tmp_path / "p1.png").unlink()
    with pytest.raises(EncoderError, match=r"1 items has changed \(1\)"):
        check_fresh(path, pictures)
    draw(tmp_path / "p1.png", 1)
    check_fresh(path, pictures)
    names = list(pictures.contents["image"])
    names[4] = "p0.png"
    with pytest.raises(EncoderError, match=r"\(4\)"):
        check_fresh(path, Catalog(tmp_path, pictures.item_ids, {"image": names}))


def test_a_changed_text_is_stale(texts, tmp_path):
    path = encode_catalog(LetterEncoder(), text_catalog(texts, tmp_path), tmp_path, options=HERE).path
    check_fresh(path, text_catalog(texts, tmp_path))
    changed = [*texts]
    changed[0], changed[3] = "other words", "a text at last"
    with pytest.raises(EncoderError, match=r"the text of 2 items has changed \(i0, i3\)"):
        check_fresh(path, text_catalog(changed, tmp_path))


def test_other_items_are_stale(texts, tmp_path):
    path = encode_catalog(LetterEncoder(), text_catalog(texts, tmp_path), tmp_path, options=HERE).path
    with pytest.raises(EncoderError, match="stale, the items or their order have changed"):
        check_fresh(path, text_catalog(texts[:-1], tmp_path))


def test_changed_weights_are_stale_and_moved_ones_are_not(texts, tmp_path):
    weights = tmp_path / "weights.pt"
    torch.save({"a": torch.ones(1)}, weights)
    catalog = text_catalog(texts, tmp_path)
    path = encode_catalog(LetterEncoder(), catalog, tmp_path, options=HERE, weights=weights).path
    check_fresh(path, catalog)
    torch.save({"a": torch.zeros(1)}, weights)
    with pytest.raises(EncoderError, match=r"stale, the weights .* have changed; .*--weights .*weights\.pt"):
        check_fresh(path, catalog)
    Path(weights).unlink()
    check_fresh(path, catalog)
