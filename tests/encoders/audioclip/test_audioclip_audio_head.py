import copy
import math

import pytest
import torch

from encoders.audioclip import ESResNeXt
from encoders.audioclip.spectrogram import frame_count, frames_of, scale_amplitude
from encoders.errors import ArgumentError

SMALL = {
    "n_fft": 128,
    "hop_length": 32,
    "win_length": 96,
    "layers": (1, 1, 1, 1),
    "base_channels": 8,
    "groups": 4,
    "width_per_group": 16,
}


@pytest.fixture(scope="module")
def head():
    torch.manual_seed(0)
    return ESResNeXt().eval()


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return ESResNeXt(12, **SMALL).eval()


def sine(hertz, seconds=1.0, amplitude=10_000.0, rate=44_100):
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    return (amplitude * torch.sin(2 * math.pi * hertz * time)).to(torch.float32)[None, None]


@pytest.mark.parametrize(
    ("samples", "frames"),
    [(44_100, 77), (88_200, 156), (176_400, 313), (220_500, 392), (441_000, 785), (1654, 1), (3, 1)],
)
def test_frame_counts_equal_the_reference(samples, frames):
    assert frame_count(samples, win_length=1654, hop_length=561) == frames
    assert frames_of(torch.zeros(samples), win_length=1654, hop_length=561).shape == (frames, 1654)


def test_frames_pad_both_sides():
    frames = frames_of(torch.arange(1.0, 8.0), win_length=4, hop_length=2)
    # 7 samples need 3 frames, 8 samples: one zero on the right.
    assert frames.tolist() == [[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 0]]


def test_window_equals_the_reference(head):
    assert float(head.window.sum()) == pytest.approx(593.3725, abs=1e-3)
    assert float(head.window[0]) == pytest.approx(6.0e-5, abs=1e-6)
    assert float(head.window[827]) == pytest.approx(1.0, abs=1e-6)


def test_spectrogram_of_a_sine_equals_the_reference(head):
    picture, _ = head.spectrogram(sine(1000))
    assert picture.shape == (1, 1, 3, 341, 77)
    frame = picture[0, 0, :, :, 38].detach()
    assert int(frame[0].argmax()) == 46
    assert float(frame[0, 46]) == pytest.approx(5.64927, abs=1e-4)
    # So far below the peak the rounding of sums counts.
    assert float(frame[0, 10]) == pytest.approx(-128.454, abs=0.2)
    assert float(frame[1, 5]) == pytest.approx(-128.511, abs=0.2)


def test_small_amplitude_shifts_the_spectrogram_by_90_decibel(head):
    full, small = (
        head.spectrogram(sine(1000, amplitude=amplitude))[0][0, 0, 0, 46, 38] for amplitude in (1e4, 1e4 / 32768)
    )
    assert float((small - full).detach()) == pytest.approx(-90.3265, abs=1e-3)


def test_silence_equals_the_reference(head):
    assert float(scale_amplitude(torch.zeros(1))) == pytest.approx(1.5259e-5, rel=1e-3)
    picture, _ = head.spectrogram(torch.zeros(1, 1, 44_100))
    assert float(picture.max()) == pytest.approx(-73.976, abs=2e-3)
    assert float(picture.min()) == pytest.approx(-238.4, abs=4.0)


def test_parameter_count(head):
    assert sum(parameter.numel() for parameter in head.parameters()) == 32_104_771
    attention = sum(p.numel() for name, p in head.named_parameters() if name.startswith("att"))
    layers = sum(p.numel() for name, p in head.named_parameters() if name.startswith("layer"))
    assert (attention, layers, len(head.state_dict())) == (7_023_616, 22_970_368, 370)


def test_channels_are_added_before_the_last_layer(small):
    sound = torch.randn(2, 2, 4000, generator=torch.Generator().manual_seed(0)) * 3000
    with torch.no_grad():
        left, right, both = small(sound[:, :1]).vectors, small(sound[:, 1:]).vectors, small(sound).vectors
    torch.testing.assert_close(both, left + right - small.fc.bias, atol=1e-4, rtol=1e-4)


def test_batch_of_one_equals_batch_of_eight(small):
    sound = torch.randn(8, 1, 4000, generator=torch.Generator().manual_seed(0)) * 3000
    with torch.no_grad():
        together = small(sound).vectors
        alone = torch.cat([small(row[None]).vectors for row in sound])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-5)


def test_attention_weighs_places_of_the_output(small):
    small = copy.deepcopy(small)
    plain = ESResNeXt(12, **SMALL, apply_attention=False).eval()
    plain.load_state_dict({name: value for name, value in small.state_dict().items() if not name.startswith("att")})
    sound = torch.randn(2, 1, 4000, generator=torch.Generator().manual_seed(0)) * 3000
    with torch.no_grad():
        assert float((plain(sound).vectors - small(sound).vectors).abs().max()) > 1e-2
        # An attention that says 1 everywhere is none.
        for stage in range(1, 6):
            bn = getattr(small, f"att{stage}").bn
            bn.weight.zero_()
            bn.bias.fill_(50.0)
        torch.testing.assert_close(small(sound).vectors, plain(sound).vectors)


def test_gradients_reach_every_parameter(small):
    small.train()
    try:
        features = small(torch.randn(4, 1, 4000, generator=torch.Generator().manual_seed(0)) * 3000)
        (features.vectors.square().sum() + features.regularization).backward()
    finally:
        small.eval()
    without = [name for name, p in small.named_parameters() if p.requires_grad and not bool(p.grad.abs().sum() > 0)]
    # A bias before a batch normalisation moves nothing.
    assert [name for name in without if not name.endswith(("conv_point.bias", "conv_depth.bias"))] == []
    assert float(small.fbsp.m.grad.abs().max()) == pytest.approx(1.0, abs=1e-5)


def test_training_with_one_sound_is_refused(small):
    small.train()
    try:
        with pytest.raises(ArgumentError, match="at least 2 sounds a batch"):
            small(torch.zeros(1, 1, 4000))
    finally:
        small.eval()


def test_sizes_are_checked():
    with pytest.raises(ArgumentError, match="'win_length' must be positive and at most n_fft 64"):
        ESResNeXt(4, **(SMALL | {"n_fft": 64}))
    with pytest.raises(ArgumentError, match="'hop_length' must be a positive integer"):
        ESResNeXt(4, **(SMALL | {"hop_length": 0}))
