"""The complex frequency B-spline transform: a Fourier-like transform whose windows and frequencies are learned."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from encoders.errors import ArgumentError

__all__ = ["FrequencyBSpline"]

_EPSILON = 1e-8


class FrequencyBSpline(nn.Module):
    r"""A linear transform of frames by frequency B-spline wavelets, one for each frequency.

    Wavelet :math:`f` is :math:`\sqrt{fb}\,\mathrm{sinc}(fb\,t / m)^m\,e^{-i\,fc\,t}` over :math:`t\in[-\pi,\pi]`, from
    `Learnable Fourier-like transform ESResNe(X)t-fbsp <https://arxiv.org/abs/2104.11587>`_ (Guzhov et al., 2021),
    equation 1. At the start (m 0, fb 1, fc 0, 1, 2, ...) it is the discrete Fourier transform of a centred frame.
    Gradients of ``m``, ``fb`` and ``fc`` are divided by their greatest absolute value, as the authors do.

    Args:
        num_samples: Length of a frame.
        num_frequencies: Number of wavelets [default: ``num_samples // 2 + 1``, as of a real signal].
        normalized: Divide by the square root of ``num_samples``, so that each wavelet has length 1 at the start.

    Shapes:
        frames (..., num_samples) -> real and imaginary parts, each (..., num_frequencies)

    Differs from the reference:
        The norms of :meth:`regularization` are of the kernel that is passed in, not of the last one that any
        transform of the process made. A wavelet's zero is kept from ``log(0)``, where the reference gives NaN.
    """

    def __init__(self, num_samples: int, *, num_frequencies: int | None = None, normalized: bool = True) -> None:
        super().__init__()
        if num_samples < 2:
            raise ArgumentError(f"'num_samples' must be at least 2 (got {num_samples})")
        self.num_samples = num_samples
        self.num_frequencies = num_samples // 2 + 1 if num_frequencies is None else num_frequencies
        self.normalized = normalized
        self.m = nn.Parameter(torch.empty(self.num_frequencies))
        self.fb = nn.Parameter(torch.empty(self.num_frequencies))
        self.fc = nn.Parameter(torch.empty(self.num_frequencies))
        # Official files hold an empty bias.
        self.bias = nn.Parameter(torch.empty(0), requires_grad=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start as a Fourier transform."""
        with torch.no_grad():
            self.m.zero_()
            self.fb.fill_(1.0)
            self.fc.copy_(torch.arange(self.num_frequencies))

    def kernel(self) -> Tensor:
        """The wavelets.

        Returns:
            Real and imaginary parts. Shape: (2, num_frequencies, num_samples).
        """
        m, fb, fc = (_normalise_gradient(parameter)[:, None] for parameter in (self.m, self.fb, self.fc))
        # The small offset keeps sinc from exact zeros, and belongs to what trained weights expect.
        time = math.pi * torch.linspace(-1, 1, self.num_samples, dtype=m.dtype, device=m.device) + _EPSILON
        base = _sinc(fb * time / (m + _EPSILON))
        # A negative base to a real power turns by m half circles.
        magnitude = base.square().clamp_min(torch.finfo(base.dtype).tiny).pow(m / 2)
        angle = m * math.pi * (base < 0) - fc * time
        window = fb.sqrt() * magnitude
        if self.normalized:
            window = window / math.sqrt(self.num_samples)
        return torch.stack([window * angle.cos(), window * angle.sin()])

    def forward(self, frames: Tensor, kernel: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Transform frames.

        Args:
            frames: Shape: (..., num_samples).
            kernel: What :meth:`kernel` gave, where it is used more than once [default: made anew].

        Returns:
            Real and imaginary parts, each of shape (..., num_frequencies).
        """
        real, imaginary = self.kernel() if kernel is None else kernel
        return functional.linear(frames, real), functional.linear(frames, imaginary)

    def regularization(self, kernel: Tensor) -> Tensor:
        """Mean squared deviation of the wavelets' lengths from those of the Fourier transform, a number."""
        target = 1.0 if self.normalized else math.sqrt(self.num_samples)
        return (kernel.square().sum(dim=(0, 2)).sqrt() - target).square().mean()

    def extra_repr(self) -> str:
        """Sizes."""
        return f"{self.num_samples}, num_frequencies={self.num_frequencies}, normalized={self.normalized}"


class _MaxNormGradient(torch.autograd.Function):
    """The identity, whose gradient is divided by its greatest absolute value."""

    @staticmethod
    def forward(ctx: Any, parameter: Tensor) -> Tensor:
        return parameter.view_as(parameter)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        return gradient / (gradient.abs().max() + _EPSILON)


def _normalise_gradient(parameter: Tensor) -> Tensor:
    same: Tensor = _MaxNormGradient.apply(parameter)  # type: ignore[no-untyped-call]
    return same


def _sinc(x: Tensor) -> Tensor:
    """``sin(x) / x``, and 1 at 0."""
    zero = x == 0
    safe = torch.where(zero, 1.0, x)
    return torch.where(zero, 1.0, safe.sin() / safe)
