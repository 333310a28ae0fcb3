"""Encoding through Ray Data on a local Ray: the same bytes as without."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_encoders import draw

from encoders import create_encoder
from encoders.errors import ArgumentError, EncoderError, MissingPackageError
from encoders.statistics import StatisticsPreprocess
from encoders.store import BLOCK_ITEMS, Catalog, EncodeOptions, encode_catalog
from encoders.store.ray_blocks import _actor_resources, _choose_place, encode_catalog_with_ray

HERE = EncodeOptions(workers=0, batch_size=32)
WORDS = partial(create_encoder, "hashed-words")

pytestmark = [pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")]


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def local_ray() -> Iterator[None]:
    ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'gnnrec[ray]'")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    words = ["sea", "forest", "rain", "violin", "drum", "night", "sun", "stone", "wind", "fire"]
    random = np.random.default_rng(0)
    texts: list[str | None] = [
        " ".join(random.choice(words, size=1 + place % 5)) + f" n{place}" for place in range(600)
    ]
    texts[3], texts[300] = None, "!?"  # the second is a problem: there is no word in it
    return Catalog(tmp_path_factory.mktemp("texts"), range(600), {"text": texts}, {"text": "column"})


@pytest.fixture
def two_threads() -> Iterator[None]:
    """The order of sums, and so the bytes, depend on the number of threads; Ray's own default is one."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_bytes_and_report_are_those_of_a_run_without(local_ray, catalog, tmp_path):
    plain = encode_catalog(WORDS(), catalog, tmp_path / "plain", options=HERE)
    seen: list[tuple[int, int]] = []
    shared = encode_catalog_with_ray(
        WORDS,
        catalog,
        tmp_path / "shared",
        options=HERE,
        concurrency=2,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert shared.path.read_bytes() == plain.path.read_bytes()
    assert not (tmp_path / "shared" / ".encoding").exists()
    for name in ("name", "items", "encoded", "reused", "truncated", "problems", "covered"):
        assert getattr(shared, name) == getattr(plain, name), name
    assert shared.problems.keys() == {"300"} and shared.write_seconds > 0
    table = "hashed-words.text.problems.csv"
    assert (tmp_path / "shared" / table).read_text() == (tmp_path / "plain" / table).read_text()
    assert seen[0] == (0, 600) and seen[-1] == (600, 600) and len(seen) == 11


def test_an_interrupted_run_goes_on(local_ray, catalog, tmp_path):
    plain = encode_catalog(WORDS(), catalog, tmp_path / "plain", options=HERE)
    other = replace(catalog, contents={"text": [*catalog.contents["text"][:-1], "other words"]})
    encode_catalog(WORDS(), other, tmp_path / "cut", options=HERE)

    def interrupt(done: int, total: int) -> None:
        if done:
            raise Interrupted

    with pytest.raises(Interrupted):
        encode_catalog(WORDS(), catalog, tmp_path / "cut", options=HERE, on_progress=interrupt)
    seen: list[int] = []
    report = encode_catalog_with_ray(
        WORDS,
        catalog,
        tmp_path / "cut",
        options=HERE,
        concurrency=1,
        on_progress=lambda done, total: seen.append(done),
    )
    assert seen[0] == BLOCK_ITEMS
    assert (report.reused, report.encoded) == (597, 1)
    assert report.path.read_bytes() == plain.path.read_bytes()


def test_pictures_through_a_network_and_decoding_processes(local_ray, two_threads, tmp_path, monkeypatch):
    for place in range(6):
        draw(tmp_path / f"p{place}.png", place)
    (tmp_path / "p4.png").write_bytes(b"no picture")
    (tmp_path / "p5.png").unlink()
    monkeypatch.chdir(tmp_path)
    catalog = Catalog(Path(), range(6), {"image": [f"p{place}.png" for place in range(6)]})
    build = partial(create_encoder, "audioclip-tiny", "image")
    options = EncodeOptions(workers=1)
    plain = encode_catalog(build(), catalog, Path("plain"), options=options)
    shared = encode_catalog_with_ray(build, catalog, Path("shared"), options=options)
    assert shared.path == Path("shared") / plain.path.name
    assert shared.path.read_bytes() == plain.path.read_bytes()
    assert shared.problems == plain.problems and shared.problems.keys() == {"4", "5"}
    assert load_file(shared.path)["mask"].sum() == 4


def test_strict_writes_nothing(local_ray, catalog, tmp_path):
    message = r"not written, because 1 items have a problem:\n  - item 300"
    with pytest.raises(EncoderError, match=message):
        encode_catalog(WORDS(), catalog, tmp_path, options=HERE, strict=True)
    with pytest.raises(EncoderError, match=message):  # all blocks are there, so no actor is needed
        encode_catalog_with_ray(WORDS, catalog, tmp_path, options=HERE, strict=True)
    assert not list(tmp_path.glob("*.safetensors"))


def test_another_encoder_in_the_workers_is_refused(local_ray, catalog, tmp_path):
    here = os.getpid()

    def build():
        encoder = WORDS()
        if os.getpid() != here:
            encoder.preprocess = StatisticsPreprocess("colour-histogram")
        return encoder

    with pytest.raises(EncoderError, match="a process of Ray has other weights, preprocessing or version"):
        encode_catalog_with_ray(build, catalog, tmp_path, options=HERE, concurrency=1)


def test_an_encoder_that_cannot_be_built_in_the_workers_is_an_error(local_ray, catalog, tmp_path):
    here = os.getpid()

    def build():
        return create_encoder("hashed-words" if os.getpid() == here else "hashed-word")

    with pytest.raises(EncoderError, match="unknown encoder 'hashed-word'"):
        encode_catalog_with_ray(build, catalog, tmp_path, options=HERE, concurrency=1)


def test_a_catalog_without_the_modality(local_ray, catalog, tmp_path):
    with pytest.raises(ArgumentError, match="no item of the catalog has content of modality 'image'"):
        encode_catalog_with_ray(partial(create_encoder, "colour-histogram"), catalog, tmp_path, options=HERE)


def test_actors_take_what_a_machine_has(local_ray):
    import ray

    def ask(**changes: Any) -> tuple[int, float, int]:
        asked = {"threads": 1, "workers": 0, "device": "cpu", "blocks": 9, "concurrency": None, **changes}
        wanted = _actor_resources(ray, **asked)
        return wanted["compute"].max_size, wanted["num_cpus"], wanted["num_gpus"]

    assert ask() == (2, 1, 0)
    assert ask(workers=1) == ask(threads=2) == ask(workers=7, threads=3) == (1, 2, 0)
    assert ask(threads=2, concurrency=2) == (2, 1, 0)
    assert ask(blocks=1) == (1, 1, 0) and ask(blocks=2, concurrency=4) == (2, 1, 0)
    assert ask(device="cuda", threads=8, concurrency=1) == (1, 1, 1)


@pytest.mark.parametrize(
    ("options", "gpus", "place"),
    [
        ({}, 0, ("cpu", "fp32")),
        ({}, 8, ("cuda", "bf16")),
        ({"device": "cpu"}, 8, ("cpu", "fp32")),
        ({"device": "cuda:1", "precision": "fp32"}, 2, ("cuda", "fp32")),
    ],
)
def test_the_place_is_the_clusters(options, gpus, place):
    assert _choose_place(EncodeOptions(**options), gpus) == place


def test_no_actors_are_refused(catalog, tmp_path):
    with pytest.raises(ArgumentError, match=r"'concurrency' must be a positive integer \(got 0\)"):
        encode_catalog_with_ray(WORDS, catalog, tmp_path, concurrency=0)


def test_ray_that_is_missing_is_named(catalog, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingPackageError, match=r"needs 'ray'; install it with: pip install 'gnnrec\[ray\]'"):
        encode_catalog_with_ray(WORDS, catalog, tmp_path)
