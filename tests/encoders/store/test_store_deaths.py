"""Items whose content ends, or keeps, the process that reads it."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from small_encoders import LetterEncoder, LetterPreprocess, text_catalog

from encoders.base import Prepared
from encoders.errors import EncoderError
from encoders.store import Catalog, EncodeOptions, encode_catalog, workers
from encoders.store.loader import load_content
from encoders.store.tensor_file import read_tensor_file

WORDS: list[str | None] = ["sea rain", "sun", "fatal stone", None, "wind", "drum night", "fire"] + ["song"] * 30
FATAL = 2


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _exit() -> None:
    os._exit(0)


def _sleep() -> None:
    time.sleep(3600)


def _fail() -> None:
    raise ZeroDivisionError("a mistake of the encoder's author")


@dataclass(frozen=True)
class FatalPreprocess(LetterPreprocess):
    """Notes each try of the fatal text, and does what it does to the process."""

    effect: Callable[[], None] = _kill
    log: Path = Path("log")
    times: int = 1000

    def __call__(self, content: str) -> Prepared:
        if "fatal" in content:
            with self.log.open("a") as file:
                file.write("x")
            if self.log.stat().st_size <= self.times:
                self.effect()
        return super().__call__(content)

    def describe(self) -> str:
        return "letters"


def _encoder(tmp_path: Path, effect: Callable[[], None], *, times: int = 1000) -> LetterEncoder:
    encoder = LetterEncoder()
    encoder.preprocess = FatalPreprocess(effect, tmp_path / "log", times)
    return encoder


def _tries(tmp_path: Path) -> int:
    return (tmp_path / "log").stat().st_size


def _harmless(tmp_path: Path) -> torch.Tensor:
    report = encode_catalog(LetterEncoder(), text_catalog(WORDS, tmp_path), tmp_path / "harmless")
    assert report.path is not None
    return read_tensor_file(report.path)[0]["x"]


def _in_child(work: Callable[[], object]) -> int:
    """Exit status of a process of its own that does the work."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


@pytest.mark.parametrize("num_workers", [1, 2])
@pytest.mark.parametrize(("effect", "why"), [(_kill, "SIGKILL"), (_exit, "exit code 0")])
def test_an_item_is_left_out_after_two_deaths(
    tmp_path: Path, num_workers: int, effect: Callable[[], None], why: str
) -> None:
    options = EncodeOptions(workers=num_workers)
    catalog = text_catalog(WORDS, tmp_path)
    report = encode_catalog(_encoder(tmp_path, effect), catalog, tmp_path / "out", options=options)
    assert list(report.problems) == [f"i{FATAL}"]
    assert f"ended the process that read it, each time ({why}" in report.problems[f"i{FATAL}"]
    assert _tries(tmp_path) == 2
    assert report.path is not None
    tensors = read_tensor_file(report.path)[0]
    expected = _harmless(tmp_path)
    expected[FATAL] = 0
    assert torch.equal(tensors["x"], expected)
    assert tensors["mask"].tolist() == [place not in (FATAL, 3) for place in range(len(WORDS))]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "letters.text.problems.csv",
        "letters.text.safetensors",
    ]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_one_death_is_no_proof(tmp_path: Path, num_workers: int) -> None:
    catalog, options = text_catalog(WORDS, tmp_path), EncodeOptions(workers=num_workers)
    encoder = _encoder(tmp_path, _kill, times=1)
    if not num_workers:
        status = _in_child(lambda: encode_catalog(encoder, catalog, tmp_path / "out", options=options))
        assert os.WTERMSIG(status) == signal.SIGKILL
    report = encode_catalog(encoder, catalog, tmp_path / "out", options=options)
    assert report.problems == {}
    assert report.path is not None
    assert torch.equal(read_tensor_file(report.path)[0]["x"], _harmless(tmp_path))
    assert _tries(tmp_path) == 2


def test_without_workers_the_next_run_tries_in_a_process_that_may_die(tmp_path: Path) -> None:
    catalog, options = text_catalog(WORDS, tmp_path), EncodeOptions(workers=0)
    encoder = _encoder(tmp_path, _kill)
    status = _in_child(lambda: encode_catalog(encoder, catalog, tmp_path / "out", options=options))
    assert os.WTERMSIG(status) == signal.SIGKILL
    report = encode_catalog(encoder, catalog, tmp_path / "out", options=options)
    assert list(report.problems) == [f"i{FATAL}"]
    assert report.covered == len(WORDS) - 2


def test_a_run_of_which_all_is_killed_again_and_again_gets_past_the_item(tmp_path: Path) -> None:
    """As where memory runs out for a whole container."""
    catalog, options = text_catalog(WORDS, tmp_path), EncodeOptions(workers=1)

    def run() -> None:
        os.setpgid(0, 0)
        encode_catalog(
            _encoder(tmp_path, lambda: os.killpg(0, signal.SIGKILL)), catalog, tmp_path / "out", options=options
        )

    statuses = [_in_child(run) for _ in range(4)]
    assert [os.WIFSIGNALED(status) for status in statuses] == [True, True, True, False]
    problems = (tmp_path / "out" / "letters.text.problems.csv").read_text()
    assert f"i{FATAL},,the process that read it was ended each time" in problems


@pytest.mark.parametrize("num_workers", [1, 2])
def test_an_item_that_keeps_its_worker_is_left_out(tmp_path: Path, num_workers: int) -> None:
    options = EncodeOptions(workers=num_workers, item_seconds=0.5)
    report = encode_catalog(
        _encoder(tmp_path, _sleep), text_catalog(WORDS, tmp_path), tmp_path / "out", options=options
    )
    assert report.problems == {f"i{FATAL}": "took longer than 0.5 s"}
    assert report.covered == len(WORDS) - 2
    assert _tries(tmp_path) == 1


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_mistake_in_the_encoder_is_raised(tmp_path: Path, num_workers: int) -> None:
    options = EncodeOptions(workers=num_workers)
    with pytest.raises(ZeroDivisionError, match="author"):
        encode_catalog(_encoder(tmp_path, _fail), text_catalog(WORDS, tmp_path), tmp_path / "out", options=options)


def test_workers_that_never_begin_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.torch, "set_num_threads", lambda _: os._exit(7))
    with pytest.raises(EncoderError, match=r"end \(exit code 7\) before they begin.*'workers' 0"):
        encode_catalog(LetterEncoder(), text_catalog(WORDS, tmp_path), tmp_path, options=EncodeOptions(workers=2))


def test_samples_are_in_no_shared_memory(tmp_path: Path) -> None:
    """Of which containers have 64 MB, if any."""
    catalog = Catalog(tmp_path, range(40), {"text": ["sea"] * 40})
    chunks = load_content(
        catalog, "text", LetterPreprocess(), [range(40)], known=(), workers=2, item_seconds=60, notes=tmp_path
    )
    samples = [chunk.samples for chunk in chunks]
    assert [len(one) for one in samples if one is not None] == [16, 16, 8]
    assert not any(one.is_shared() for one in samples if one is not None)
