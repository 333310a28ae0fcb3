"""Rows at length 1 and their gradient."""

import torch

from gnnrec.nn.unit_rows import unit_rows


def test_values_and_gradient_equal_normalize() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(7, 5, generator=generator).double()
    weight, of_length = torch.randn(7, 5, generator=generator).double(), torch.randn(7, 1, generator=generator).double()
    ours, reference = x.clone().requires_grad_(), x.clone().requires_grad_()
    unit, length = unit_rows(ours)
    ((unit * weight).sum() + (length.square() * of_length).sum()).backward()
    expected = torch.nn.functional.normalize(reference)
    ((expected * weight).sum() + (reference.square().sum(1, keepdim=True) * of_length).sum()).backward()
    torch.testing.assert_close(unit, expected)
    torch.testing.assert_close(length, x.norm(dim=1, keepdim=True))
    torch.testing.assert_close(ours.grad, reference.grad)
    assert torch.autograd.gradcheck(unit_rows, (x.clone().requires_grad_(),))


def test_a_row_of_zeros_stays_and_gets_no_gradient() -> None:
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    unit, length = unit_rows(x)
    assert unit.tolist() == [[0.0, 0.0], [3 / 5, 4 / 5]] or torch.allclose(unit[1], torch.tensor([0.6, 0.8]))
    assert length.flatten().tolist() == [0.0, 5.0]
    (unit.sum() + length.sum()).backward()
    assert x.grad is not None and x.grad[0].tolist() == [0.0, 0.0]
    assert bool(torch.isfinite(x.grad).all())
