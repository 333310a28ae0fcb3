"""ResNet-50 beside torchvision's."""

import numpy as np
import pytest
import torch
from PIL import Image

from encoders import create_encoder
from encoders.errors import ArgumentError, RandomWeightsWarning, WeightsError
from encoders.resnet import ResNet50

models = pytest.importorskip("torchvision.models")


@pytest.fixture(scope="module")
def official(tmp_path_factory):
    """torchvision's network with statistics of its own, and its file."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = models.resnet50(weights=None).eval()
        for name, buffer in network.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(std=0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(network.state_dict(), path)
    return network, path


@pytest.fixture(scope="module")
def encoder(official):
    return create_encoder("resnet50", weights=official[1])


def pictures() -> list[Image.Image]:
    random = np.random.default_rng(0)
    return [Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in ((261, 197), (130, 275))]


def test_features_are_those_before_the_classifier(official, encoder):
    network, _ = official
    transform = models.ResNet50_Weights.IMAGENET1K_V1.transforms()
    pixels = torch.stack([transform(picture) for picture in pictures()])
    kept, network.fc = network.fc, torch.nn.Identity()
    try:
        with torch.no_grad():
            expected = network(pixels)
    finally:
        network.fc = kept
    assert expected.shape == (2, 2048) and encoder.dim == 2048 and encoder.modality == "image"
    vectors = encoder.encode(pictures())
    torch.testing.assert_close(vectors, expected, atol=1e-5, rtol=1e-5)
    with torch.no_grad():  # the classifier upon them gives torchvision's own answer
        torch.testing.assert_close(network.fc(vectors), network(pixels), atol=1e-5, rtol=1e-5)
    alone = torch.cat([encoder.encode([picture]) for picture in pictures()])
    torch.testing.assert_close(alone, vectors, atol=1e-5, rtol=1e-5)


def test_the_file_is_loaded_but_for_the_classifier(official, encoder):
    state, loaded = torch.load(official[1]), encoder.network.state_dict()
    assert [name for name in state if name not in loaded] == ["fc.weight", "fc.bias"]
    assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.items())


def test_an_old_file_without_counts_of_batches_is_loaded(official, encoder, tmp_path, recwarn):
    state = {name: tensor for name, tensor in torch.load(official[1]).items() if "num_batches" not in name}
    path = tmp_path / "old.pth"
    torch.save(state, path)
    loaded = ResNet50(weights=path)
    assert loaded.weights_hash() == encoder.weights_hash()
    assert not [warning for warning in recwarn if issubclass(warning.category, RandomWeightsWarning)]


def test_all_differences_are_in_one_error(official, tmp_path):
    state = dict(torch.load(official[1])) | {"fc.weight": torch.zeros(10, 2048), "surprise": torch.zeros(1)}
    del state["layer3.2.bn1.running_var"], state["conv1.weight"]
    path = tmp_path / "other.pth"
    torch.save(state, path)
    with pytest.raises(WeightsError) as caught:
        create_encoder("resnet50", weights=path)
    for part in (
        "4 names differ",
        "missing: layer3.2.bn1.running_var (256,)",
        "missing: conv1.weight (64, 3, 7, 7)",
        "unexpected: surprise (1,)",
        "wrong shape: fc.weight must be (1000, 2048) (got (10, 2048))",
    ):
        assert part in str(caught.value)


def test_random_weights():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    with pytest.warns(RandomWeightsWarning, match=r"'resnet50' got no weights.*\(seed 1\)"):
        first = ResNet50(seed=1)
    with pytest.warns(RandomWeightsWarning):
        again, other = ResNet50(seed=1), ResNet50(seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.weights_hash() == again.weights_hash() != other.weights_hash()


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_options():
    assert create_encoder("resnet50", resize=232).preprocess.resize == 232
    with pytest.raises(ArgumentError, match="'resnet50': got an unexpected keyword argument 'crop'"):
        create_encoder("resnet50", crop=3)
