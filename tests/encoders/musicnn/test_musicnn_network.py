from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from encoders.errors import ArgumentError
from encoders.musicnn import LogMel, MusicnnNetwork, load_keras_weights


@pytest.fixture
def network(keras_arrays: dict[str, np.ndarray], write_keras_file: Callable[..., Path]) -> MusicnnNetwork:
    network = MusicnnNetwork().eval()
    load_keras_weights(network, write_keras_file(keras_arrays))
    return network


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0)) - 0.5


@torch.no_grad()
def test_shapes_from_waveforms_and_images(network: MusicnnNetwork) -> None:
    waveforms = noise(2, 48_000)
    output = network(waveforms)
    assert [tuple(part.shape) for part in output] == [(2, 1506), (2, 200), (2, 50)]
    for part, again in zip(output, network(LogMel()(waveforms)), strict=True):
        torch.testing.assert_close(part, again)


def test_787_thousand_parameters_as_in_the_paper(keras_arrays: dict[str, np.ndarray]) -> None:
    """Table 1 of the paper says 787k for musicnn."""
    learned = sum(array.size for name, array in keras_arrays.items() if "/moving_" not in name)
    assert sum(parameter.numel() for parameter in MusicnnNetwork().parameters()) == learned == 787_159


@torch.no_grad()
@pytest.mark.parametrize("frames", [1, 40, 150])
def test_every_layer_against_numpy(
    network: MusicnnNetwork, keras_arrays: dict[str, np.ndarray], numpy_forward: Callable, frames: int
) -> None:
    image = 5 * noise(frames, 96) + 2.5
    for part, expected in zip(network(image[None]), numpy_forward(keras_arrays, image.numpy()), strict=True):
        np.testing.assert_allclose(part[0].numpy(), expected, atol=1e-4 * np.abs(expected).max())


@torch.no_grad()
def test_the_first_timbral_filters_against_numpy(network: MusicnnNetwork, keras_arrays: dict[str, np.ndarray]) -> None:
    """One filter and one frame by hand: frame 0 sees three frames of zeros before it."""
    image = noise(10, 96)

    def weight(name: str) -> np.ndarray:
        return keras_arrays[name].astype(np.float64)

    def norm(values: np.ndarray, layer: str, channel: int) -> np.ndarray:
        parts = ("moving_mean", "moving_variance", "gamma", "beta")
        mean, variance, gamma, beta = (weight(f"{layer}/{layer}/{part}:0")[channel] for part in parts)
        return (values - mean) / np.sqrt(variance + 0.001) * gamma + beta

    normalised = norm(image.numpy().astype(np.float64), "batch_normalization", 0)
    kernel, bias = weight("conv2d/conv2d/kernel:0")[:, :, 0], weight("conv2d/conv2d/bias:0")
    for channel in (0, 5, 203):
        answers = [(normalised[:4, low : low + 38] * kernel[3:, :, channel]).sum() + bias[channel] for low in range(59)]
        expected = norm(np.maximum(answers, 0), "batch_normalization_1", channel).max()
        front = network.front_end[0](torch.from_numpy(normalised).float()[None])
        assert front[0, 0, channel].item() == pytest.approx(expected, abs=1e-4)


@torch.no_grad()
def test_one_is_as_eight(network: MusicnnNetwork) -> None:
    waveforms = noise(8, 48_000)
    together = network(waveforms)
    for row in (0, 7):
        for part, alone in zip(together, network(waveforms[row : row + 1]), strict=True):
            torch.testing.assert_close(part[row], alone[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_maxima_and_means_alternate(network: MusicnnNetwork) -> None:
    pooled = network(noise(1, 16_000)).pooled[0]
    assert (pooled[0::2] >= pooled[1::2] - 1e-5).all()  # silent channels are constant, but for rounding
    assert (pooled[:753] < pooled[753:] - 1).any()


def test_gradients_reach_every_weight() -> None:
    network = MusicnnNetwork()
    network(noise(2, 16_000)).logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("shape", [(48_000,), (2, 187, 95), (2, 0, 96), (1, 1, 187, 96)])
def test_bad_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match=r"'batch' must be of shape \(batch, samples\) or \(batch, frames, 96\)"):
        MusicnnNetwork()(torch.zeros(shape))
