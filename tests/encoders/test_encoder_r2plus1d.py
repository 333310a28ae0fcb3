"""Films as clips, and R(2+1)D beside torchvision's."""

import io

import numpy as np
import pytest
import torch

from encoders import create_encoder
from encoders.content import Film
from encoders.errors import ArgumentError, ContentError, RandomWeightsWarning, WeightsError
from encoders.r2plus1d import ClipPreprocess, R2Plus1D

video_models = pytest.importorskip("torchvision.models.video")

MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)


def film(num_frames: int, height: int = 120, width: int = 160) -> Film:
    """Noise upon slopes."""
    random = np.random.default_rng(num_frames)
    y, x = np.mgrid[0:height, 0:width] * 200 / max(height, width)
    slopes = np.stack([x, y, 200 - x], axis=-1)
    pixels = slopes + random.uniform(0, 55, (num_frames, height, width, 3))
    return Film(torch.from_numpy(pixels.astype(np.uint8)), 15.0)


def counting_film(num_frames: int) -> Film:
    """All pixels of a frame are its number."""
    frames = torch.arange(num_frames, dtype=torch.uint8)[:, None, None, None]
    return Film(frames.expand(-1, 12, 16, 3).contiguous(), 15.0)


def numbers(clips: torch.Tensor) -> list[list[int]]:
    """Which frames of a counting film are in clips."""
    assert float((clips.amax(dim=(3, 4)) - clips.amin(dim=(3, 4))).max()) < 1e-5
    mean, std = torch.tensor(MEAN)[:, None], torch.tensor(STD)[:, None]
    values = (clips[..., 0, 0] * std + mean) * 255
    assert float((values - values.round()).abs().max()) < 1e-3
    assert torch.equal(values.round()[:, 0], values.round()[:, 2])
    return values.round().int()[:, 0].tolist()


@pytest.mark.parametrize(("height", "width"), [(120, 160), (97, 333), (361, 201), (128, 171), (112, 112)])
def test_equals_torchvision(height, width):
    transform = video_models.R2Plus1D_18_Weights.KINETICS400_V1.transforms()
    given = film(16, height, width)
    # Of whole numbers torchvision rounds the resized ones; the network was trained without that.
    theirs = transform(given.frames.permute(0, 3, 1, 2).float() / 255)
    clips, truncated = ClipPreprocess()(given)
    assert clips.shape == (1, 3, 16, 112, 112) and clips.dtype == torch.float32 and not truncated
    torch.testing.assert_close(clips[0], theirs, atol=1e-5, rtol=0)
    rounded = transform(given.frames.permute(0, 3, 1, 2))
    assert float((clips[0] - rounded).abs().max()) <= 0.5 / 255 / min(STD) + 1e-4


@pytest.mark.parametrize(
    ("num_frames", "clips"), [(1, 1), (7, 1), (16, 1), (23, 1), (24, 2), (32, 2), (39, 2), (40, 3), (56, 4), (128, 8)]
)
def test_clips_follow_each_other(num_frames, clips):
    """The rest of a film is left out below half a clip, and otherwise filled up with the last frame."""
    found = numbers(ClipPreprocess()(counting_film(num_frames)).samples)
    expected = [min(place, num_frames - 1) for place in range(16 * clips)]
    assert found == [expected[start : start + 16] for start in range(0, 16 * clips, 16)]


def test_frames_a_clip_can_be_chosen():
    assert numbers(ClipPreprocess(frames_per_clip=3)(counting_film(8)).samples) == [[0, 1, 2], [3, 4, 5], [6, 7, 7]]


def test_known_pixels():
    frames = torch.zeros(16, 128, 171, 3, dtype=torch.uint8)
    frames[..., 0] = 255
    frames[:, 8:120, 30:142, 2] = 51  # the middle; torchvision rounds 29.5 to an even number
    clip = ClipPreprocess()(Film(frames, 15.0)).samples[0]
    for channel, value in enumerate((1.0, 0.0, 0.2)):
        expected = (value - MEAN[channel]) / STD[channel]
        assert float(clip[channel].min()) == pytest.approx(expected, abs=1e-5)
        assert float(clip[channel].max()) == pytest.approx(expected, abs=1e-5)


def written_film(num_frames: int, rate: int) -> bytes:
    """A lossless Matroska film whose frames are grey, lighter by 5 each."""
    av = pytest.importorskip("av")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "bgr0"
        for number in range(num_frames):
            pixels = np.full((24, 32, 3), 5 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgr0")))
        container.mux(stream.encode())
    return buffer.getvalue()


def test_a_film_from_bytes():
    data = written_film(45, rate=15)
    preprocess = ClipPreprocess(frames_per_clip=15, max_clips=3)
    clips = numbers(preprocess(preprocess.read(data, "film")).samples)
    assert clips == [[5 * number for number in range(start, start + 15)] for start in (0, 15, 30)]
    # Too long for the clips: the middles of equal sections, each at the film's own rate.
    preprocess = ClipPreprocess(frames_per_clip=9, max_clips=1)
    assert numbers(preprocess(preprocess.read(data, "film")).samples) == [[5 * number for number in range(18, 27)]]
    preprocess = ClipPreprocess(frames_per_clip=8, max_clips=2)
    clips = numbers(preprocess(preprocess.read(data, "film")).samples)
    assert clips == [[5 * number for number in range(start, start + 8)] for start in (7, 30)]
    with pytest.raises(ContentError, match="trailer"):
        preprocess.read(b"no film", "trailer")


@pytest.mark.parametrize("name", ["frames_per_second", "frames_per_clip", "max_clips"])
def test_numbers_are_checked(name):
    with pytest.raises(ArgumentError, match=rf"'{name}' must be positive \(got 0\)"):
        ClipPreprocess(**{name: 0})


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """torchvision's network with statistics of its own, and its file."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = video_models.r2plus1d_18(weights=None).eval()
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    path = tmp_path_factory.mktemp("weights") / "r2plus1d_18.pth"
    torch.save(network.state_dict(), path)
    return network, path


@pytest.fixture(scope="module")
def encoder(official):
    return create_encoder("r2plus1d", weights=official[1], frames_per_clip=4)


def test_features_are_those_before_the_classifier(official, encoder):
    network, _ = official
    films = [film(4), film(9, 97, 133)]
    transform = video_models.R2Plus1D_18_Weights.KINETICS400_V1.transforms()
    first = transform(films[0].frames.permute(0, 3, 1, 2).float() / 255)
    vectors = encoder.encode(films, batch_size=2)
    assert vectors.shape == (2, 512) and encoder.dim == 512 and encoder.modality == "video"
    with torch.no_grad():  # the classifier upon them gives torchvision's own answer
        torch.testing.assert_close(network.fc(vectors[:1]), network(first[None]), atol=1e-4, rtol=1e-4)
        clips = encoder(encoder.preprocess(films[1]).samples)
    assert clips.shape == (2, 512)
    torch.testing.assert_close(vectors[1], clips.mean(dim=0), atol=1e-5, rtol=1e-5)


def test_the_file_is_loaded_but_for_the_classifier(official, encoder, tmp_path):
    state, loaded = torch.load(official[1]), encoder.network.state_dict()
    assert [name for name in state if name not in loaded] == ["fc.weight", "fc.bias"]
    assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.items())
    path = tmp_path / "old.pth"
    torch.save({name: tensor for name, tensor in state.items() if "num_batches" not in name}, path)
    assert R2Plus1D(weights=path).weights_hash() == encoder.weights_hash()


def test_all_differences_are_in_one_error(official, tmp_path):
    state = dict(torch.load(official[1])) | {"fc.bias": torch.zeros(101), "surprise": torch.zeros(1)}
    del state["stem.0.weight"]
    path = tmp_path / "other.pth"
    torch.save(state, path)
    with pytest.raises(WeightsError) as caught:
        create_encoder("r2plus1d", weights=path)
    for part in (
        "3 names differ",
        "missing: stem.0.weight (45, 3, 1, 7, 7)",
        "unexpected: surprise (1,)",
        "wrong shape: fc.bias must be (400,) (got (101,))",
    ):
        assert part in str(caught.value)


def test_random_weights():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.warns(RandomWeightsWarning, match=r"'r2plus1d' got no weights.*\(seed 1\)"):
        first = R2Plus1D(seed=1)
    with pytest.warns(RandomWeightsWarning):
        again, other = R2Plus1D(seed=1), R2Plus1D(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.weights_hash() == again.weights_hash() != other.weights_hash()
