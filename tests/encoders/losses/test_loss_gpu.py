import pytest
import torch

from encoders.losses import info_nce, nt_xent, tri_modal_loss

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y, t: info_nce(x, y, temperature=t, block_size=100),
        lambda x, y, t: nt_xent(x, y, temperature=t, block_size=100),
        lambda x, y, t: tri_modal_loss([(x, y, 1 / t)], block_size=100),
    ],
)
def test_losses_and_gradients_agree_with_the_processor(loss):
    first, second = torch.randn(2, 333, 64, generator=torch.Generator().manual_seed(0))
    figures = {}
    for device in ("cpu", "cuda"):
        inputs = [tensor.to(device).requires_grad_() for tensor in (first, second, torch.tensor(0.5))]
        value = loss(*inputs)
        figures[device] = [value, *torch.autograd.grad(value, inputs)]
    for on_cpu, on_cuda in zip(figures["cpu"], figures["cuda"], strict=True):
        torch.testing.assert_close(on_cpu, on_cuda.cpu(), rtol=1e-4, atol=1e-6)
