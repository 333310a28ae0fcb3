import pytest
import torch

from encoders.audioclip import AudioCLIP


@pytest.fixture(scope="session")
def tiny():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AudioCLIP.from_preset("audioclip-tiny").eval()


@pytest.fixture(scope="session")
def full():
    """The paper's sizes; building them takes seconds."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return AudioCLIP().eval()
