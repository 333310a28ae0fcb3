"""The music-video system from the command line: films, features, heads, figures, pictures."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from PIL import Image
from test_commands import call

from encoders.musicvideo import SegmentFeatures, planted_pairs, segment_feature_path

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")

QUICK = ["--batch-size", 64, "--epochs", 3, "--device", "cpu"]


def run(*arguments: object, code: int = 0) -> str:
    """Standard output, or of a refusal standard error."""
    got, out, err = call("encoder", *map(str, arguments))
    assert got == code, err
    return err if code else out


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with features of 120 films, as 'gnnrec encoder segments' leaves them."""
    folder = tmp_path_factory.mktemp("segments")
    segment_feature_path(folder).parent.mkdir()
    features = planted_pairs(120, shared=1.0, seed=0, segments=3, audio_features=40, video_features=24)
    features.save(segment_feature_path(folder))
    return folder


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with shared causes, by a low temperature."""
    out = tmp_path_factory.mktemp("runs") / "run"
    run("train", "musicvideo", data, "--out", out, "--configuration", "temperature-0.3", *QUICK)
    return out


def test_training_brings_down_the_median_rank_and_evaluation_repeats_it(data: Path, trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    measured = json.loads(run("evaluate", trained, data, "--json"))
    assert measured["films"] == "test films of the run"
    assert measured["audio_to_video"] == metrics["test"]["audio_to_video"]
    assert measured["audio_to_video"] < measured["chance"] and measured["candidates"] == 12
    assert "median rank" in run("evaluate", trained, data)


def test_all_configurations_are_trained_by_one_command(data: Path, tmp_path: Path) -> None:
    text = run("train", "musicvideo", data, "--out", tmp_path, "--configuration", "all", *QUICK[:3], 1, *QUICK[4:])
    for name in ("base", "embedding-512", "four-layers", "single-head", "temperature-0.3", "autoencoder"):
        assert name in text
        assert (tmp_path / name / "model.safetensors").is_file()
    assert "holds several runs: autoencoder, base" in run("evaluate", tmp_path, data, code=2)


def test_probes_compare_six_representations(data: Path, trained: Path, tmp_path: Path) -> None:
    names = SegmentFeatures.load(segment_feature_path(data)).film_names
    genres = tmp_path / "genres.csv"
    genres.write_text("film,label\n" + "".join(f"{name},{'ab'[place % 2]}\n" for place, name in enumerate(names)))
    found = json.loads(run("probe", trained, data, "--labels", genres, "--seeds", 1, "--json"))
    assert list(found) == ["musicnn", "r2plus1d", "musicnn+r2plus1d", "CL_a", "CL_v", "CL_agg"]
    assert all(0 <= result["auc"] <= 1 for result in found.values())
    genres.write_text("film,label\nfilm-00000,a\nfilm-00000,b\nfilm-00001,\n")
    message = run("probe", trained, data, "--labels", genres, code=2)
    assert "row 3: film 'film-00000' has a label already" in message and "row 4:" in message
    genres.write_text("film,label\nnobody,a\n")
    assert "names none of the films" in run("probe", trained, data, "--labels", genres, code=2)
    genres.write_text(f"film,label\n{names[0]},a\n{names[1]},b\n")
    assert "it labels 2 of 120 films" in run("probe", trained, data, "--labels", genres, code=2)
    genres.write_text("name,genre\n")
    assert "must have the columns film and label (got name, genre)" in run(
        "probe", trained, data, "--labels", genres, code=2
    )


def test_neighbours_and_consistency_as_text_json_and_picture(data: Path, trained: Path, tmp_path: Path) -> None:
    found = json.loads(run("similar", trained, data, "--seeds", 4, "-k", 2, "--json"))
    assert set(found["neighbours"]) == set(found["consistency"]) == {"audio", "video", "aggregated"}
    for entries in found["neighbours"].values():
        assert len(entries) == 4
        for entry in entries:
            assert len(entry["neighbours"]) == 2
            assert entry["seed"] not in [each["name"] for each in entry["neighbours"]]
    picture = tmp_path / "similar.png"
    assert "AUC" in run("similar", trained, data, "--seeds", 3, "--of-segments", "--picture", picture)
    with Image.open(picture) as drawn:
        assert min(drawn.size) > 300


def test_wrong_use_is_told_in_a_line(data: Path, trained: Path, tmp_path: Path) -> None:
    assert "base" in run("train", "musicvideo", data, "--out", tmp_path, "--configuration", "bsae", code=2)
    assert "gnnrec encoder segments FILMS" in run("train", "musicvideo", tmp_path, "--out", tmp_path / "run", code=2)
    assert "there is no such file" in run("similar", tmp_path, data, code=2)
    other = tmp_path / "other.safetensors"
    planted_pairs(10, shared=1.0, seed=0, audio_features=8, video_features=8).save(other)
    run("evaluate", trained, other, code=2)


def write_film(path: Path, *, grey: int, hertz: float, seconds: int = 6) -> None:
    """A film of one shade of grey, with a tone in a file beside."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10 * seconds):
            pixels = np.full((48, 64, 3), grey, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    time = np.arange(16_000 * seconds) / 16_000
    soundfile.write(path.with_suffix(".wav"), 0.3 * np.sin(2 * np.pi * hertz * time), 16_000)


def test_films_become_segments_with_features_and_a_broken_one_is_told(tmp_path: Path) -> None:
    films, out = tmp_path / "films", tmp_path / "segments"
    films.mkdir()
    for number in range(3):
        write_film(films / f"film {number}.mp4", grey=40 + 60 * number, hertz=300.0 + 400 * number)
    (films / "broken.mp4").write_bytes(b"no film")
    arguments = ["segments", films, "--out", out, "--sections", 1, "--workers", 0, "--device", "cpu"]
    run(*arguments)
    features = SegmentFeatures.load(segment_feature_path(out))
    assert features.film_names == ("film 0", "film 1", "film 2")
    assert features.audio.shape == (3, 1506) and features.video.shape == (3, 512)
    assert "broken" in (out / "problems.csv").read_text()
    first = segment_feature_path(out).read_bytes()
    got, _, err = call("encoder", *map(str, arguments))
    assert got == 0 and "3 cut before" in err
    assert segment_feature_path(out).read_bytes() == first
