import math

import pytest
import torch

from encoders.audioclip import FrequencyBSpline
from encoders.errors import ArgumentError

# Rows are (real, imaginary) of the first half; the second half mirrors it with the sign of the imaginary part turned.
GOLDEN = {
    (1.0, 1.0, 3.0): [(0, 0), (0.110983, 0.053447), (-0.159619, -0.200155), (0.076059, 0.333234)],
    (2.0, 1.0, 2.0): [(0.14329, 0), (-0.05073, -0.222261), (-0.273236, 0.131583), (0.216762, 0.27181)],
    (0.0, 1.0, 2.0): [(0.353553, 0), (-0.078673, -0.344689), (-0.318541, 0.153401), (0.220437, 0.276419)],
}


def transform(num_samples, m, fb, fc, **options):
    layer = FrequencyBSpline(num_samples, num_frequencies=len(m), **options)
    with torch.no_grad():
        for parameter, values in ((layer.m, m), (layer.fb, fb), (layer.fc, fc)):
            parameter.copy_(torch.tensor(values))
    return layer


@pytest.mark.parametrize("parameters", GOLDEN)
def test_kernel_equals_the_reference(parameters):
    half = torch.tensor(GOLDEN[parameters])
    mirrored = half.flip(0) * torch.tensor([1.0, -1.0])
    kernel = transform(8, *([value] for value in parameters)).kernel()[:, 0].T
    torch.testing.assert_close(kernel, torch.cat([half, mirrored]), atol=2e-6, rtol=0)


def test_lengths_equal_the_reference():
    kernel = transform(8, [1.0] * 4, [1.0, 1.0, 0.5, 2.0], [0.0, 3.0, 7.0, 11.0]).kernel()
    lengths = kernel.square().sum(dim=(0, 2)).sqrt()
    torch.testing.assert_close(lengths, torch.tensor([0.6286, 0.6286, 0.6012, 0.6449]), atol=1e-4, rtol=0)


def test_a_negative_lobe_turns_the_phase_by_m_half_circles():
    # sinc(8 t) is negative where 8 t lies between pi and 2 pi; with m 1 the kernel keeps that sign.
    kernel = transform(256, [1.0], [8.0], [0.0], normalized=False).kernel()
    time = math.pi * torch.linspace(-1, 1, 256)
    expected = math.sqrt(8) * torch.sinc(8 * time / math.pi)
    torch.testing.assert_close(kernel[0, 0], expected, atol=2e-5, rtol=0)
    torch.testing.assert_close(kernel[1, 0], torch.zeros(256), atol=2e-6, rtol=0)


def test_default_is_a_fourier_transform_of_unit_length():
    layer = FrequencyBSpline(2048)
    kernel = layer.kernel()
    assert kernel.shape == (2, 1025, 2048)
    torch.testing.assert_close(kernel.square().sum(dim=(0, 2)).sqrt(), torch.ones(1025), atol=1e-6, rtol=0)
    assert float(layer.regularization(kernel)) < 1e-14
    time = math.pi * torch.linspace(-1, 1, 2048, dtype=torch.float64)
    wanted = torch.stack([(7 * time).cos(), -(7 * time).sin()]) / math.sqrt(2048)
    torch.testing.assert_close(kernel[:, 7].double(), wanted, atol=1e-7, rtol=0)


def test_gradients_reach_all_parameters_with_a_greatest_value_of_one():
    torch.manual_seed(0)
    layer = FrequencyBSpline(2048)
    real, imaginary = layer(torch.randn(3, 2048))
    (real.square() + imaginary.square()).log().sum().backward()
    for parameter in (layer.m, layer.fb, layer.fc):
        assert float(parameter.grad.abs().max()) == pytest.approx(1.0, abs=1e-5)


def test_gradient_direction_equals_finite_differences():
    layer = transform(16, [0.7, 1.3], [0.9, 1.4], [2.0, 3.5]).double()
    frames = torch.randn(4, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def value():
        real, imaginary = layer(frames)
        return (real.square() + imaginary.square()).sum()

    value().backward()
    for parameter in (layer.m, layer.fb, layer.fc):
        slopes = []
        for place in range(2):
            with torch.no_grad():
                parameter[place] += 1e-6
                above = value()
                parameter[place] -= 2e-6
                slopes.append(float(above - value()) / 2e-6)
                parameter[place] += 1e-6
        wanted = torch.tensor(slopes, dtype=torch.float64)
        torch.testing.assert_close(parameter.grad, wanted / wanted.abs().max(), atol=1e-5, rtol=0)


def test_a_zero_of_the_wavelet_gives_no_nan():
    layer = transform(5, [1.0], [1.0], [2.0])
    with torch.no_grad():  # t holds 0 and the ends: sinc(pi) is zero but for rounding
        layer.fb.fill_(1.0 + 1e-8)
    kernel = layer.kernel()
    kernel.sum().backward()
    assert bool(torch.isfinite(kernel).all())
    assert all(bool(torch.isfinite(parameter.grad).all()) for parameter in (layer.m, layer.fb, layer.fc))


def test_bad_size():
    with pytest.raises(ArgumentError, match="'num_samples' must be at least 2"):
        FrequencyBSpline(1)
