import subprocess
import sys
from hashlib import blake2b

import pytest
import torch

from encoders.signal import HASHED_WORDS_DIM, hashed_words


def place_and_sign(term: str) -> tuple[int, float]:
    value = int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
    return value % HASHED_WORDS_DIM, 1.0 if value >= 2**63 else -1.0


def test_words_and_pairs_by_hand():
    vector = hashed_words("calm sea, calm")
    expected = torch.zeros(HASHED_WORDS_DIM)
    for term, count in {"calm": 2, "sea": 1, "calm sea": 1, "sea calm": 1}.items():
        place, sign = place_and_sign(term)
        expected[place] += sign * count**0.5
    assert vector.shape == (HASHED_WORDS_DIM,) and vector.dtype == torch.float32
    torch.testing.assert_close(vector, expected / expected.norm())
    assert bool((vector > 0).any()) and bool((vector < 0).any())


def test_the_same_in_another_process():
    code = "from encoders.signal import hashed_words as h; print(h('salt harbour waves').nonzero().tolist())"
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == str(hashed_words("salt harbour waves").nonzero().tolist())


def test_case_and_composition_do_not_count_but_order_does():
    assert torch.equal(hashed_words("Caf\u00e9 NOIR"), hashed_words("cafe\u0301\nnoir!"))
    assert not torch.equal(hashed_words("dog bites man"), hashed_words("man bites dog"))


@pytest.mark.parametrize("text", ["", "  ", "?!... --"])
def test_text_without_words_is_zeros(text):
    assert torch.equal(hashed_words(text), torch.zeros(HASHED_WORDS_DIM))


@pytest.mark.parametrize("text", ["x", "\ud800 broken", "\u6d77 \u5cf6", "word " * 5000])
def test_any_words_have_length_one(text):
    assert hashed_words(text).norm().item() == pytest.approx(1, abs=1e-5)
