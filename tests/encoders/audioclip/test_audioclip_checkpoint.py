import hashlib
from pathlib import Path

import pytest
import torch

from encoders.audioclip import AudioCLIP, ESResNeXt
from encoders.errors import RandomWeightsWarning, WeightsError

SPEC = Path(__file__).parents[4] / "shared" / "spec" / "audioclip_state_dict.tsv"
# SHA-256 of the sorted lines "name<TAB>shape<TAB>type" of the official module.
OFFICIAL_NAMES = "5814186c1d5174e7b30e4a26919bc0b926ad359d17c96a1c4e56fffa8d186fec"


def described(state):
    return sorted(f"{name}\t{tuple(tensor.shape)}\t{tensor.dtype}" for name, tensor in state.items())


def count(model, *prefixes):
    return sum(p.numel() for name, p in model.named_parameters() if name.startswith(prefixes))


@pytest.fixture
def tiny_file(tiny, tmp_path):
    path = tmp_path / "tiny.safetensors"
    tiny.save(path, preset="audioclip-tiny")
    return path


def test_names_shapes_and_types_are_the_official_ones(full):
    lines = described(full.state_dict())
    assert len(lines) == 861
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == OFFICIAL_NAMES
    if SPEC.is_file():
        assert lines == sorted(SPEC.read_text().splitlines())


def test_parameter_counts_are_the_official_ones(full):
    assert count(full, "") == 134_111_910
    assert count(full, "audio.") == 32_104_771
    assert count(full, "visual.") == 38_316_896
    assert count(full, "transformer.") == 37_828_608
    clip = [
        n for n in full.state_dict() if not n.startswith("audio.") and n not in ("logit_scale_ai", "logit_scale_at")
    ]
    assert len(clip) == 489
    assert count(full, "") - count(full, "audio.", "logit_scale_") == 102_007_137


def test_towers_equal_open_clip(full):
    open_clip = pytest.importorskip("open_clip")
    clip = open_clip.create_model("RN50-quickgelu").eval()
    part = {n: t for n, t in full.state_dict().items() if not n.startswith("audio.")}
    clip.load_state_dict({n: t for n, t in part.items() if n not in ("logit_scale_ai", "logit_scale_at")}, strict=True)
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    texts = ["a dog barks", "Rain on a roof, at night"]
    with torch.no_grad():
        assert torch.equal(full.encode_image(pixels), clip.encode_image(pixels))
        theirs = clip.encode_text(open_clip.get_tokenizer("RN50-quickgelu")(texts))
        torch.testing.assert_close(full.encode_text(texts), theirs, atol=1e-5, rtol=0)


def test_official_file_loads_strictly_and_comes_back(full, tmp_path, recwarn):
    path = tmp_path / "AudioCLIP-Full-Training.pt"
    torch.save(full.state_dict(), path)
    model = AudioCLIP.from_checkpoint(path)
    assert not [warning for warning in recwarn if issubclass(warning.category, RandomWeightsWarning)]
    loaded = model.state_dict()
    assert described(loaded) == described(full.state_dict())
    assert all(torch.equal(tensor, loaded[name]) for name, tensor in full.state_dict().items())


def test_clip_file_in_half_precision_leaves_the_audio_head_random(full, tmp_path):
    state = {n: t.half() for n, t in full.state_dict().items() if not n.startswith(("audio.", "logit_scale_"))}
    extras = {"input_resolution": 224, "context_length": 77, "vocab_size": 49408}
    path = tmp_path / "CLIP.pt"
    torch.save(state | {name: torch.tensor(value) for name, value in extras.items()}, path)
    with pytest.warns(RandomWeightsWarning, match="does not hold the audio head"):
        model = AudioCLIP.from_checkpoint(path)
    loaded = model.state_dict()
    assert all(torch.equal(tensor.float(), loaded[name]) for name, tensor in state.items())
    assert loaded["visual.conv1.weight"].dtype == torch.float32


def test_audio_file_with_its_own_classifier(tmp_path):
    torch.manual_seed(1)
    head = ESResNeXt(527)
    path = tmp_path / "ESRNXFBSP.pt"
    torch.save(head.state_dict(), path)
    assert sum(p.numel() for p in head.parameters()) == 31_086_418
    with pytest.warns(RandomWeightsWarning, match="image and text towers"):
        model = AudioCLIP.from_checkpoint(path)
    assert torch.equal(model.audio.layer4[2].conv3.weight, head.layer4[2].conv3.weight)
    assert model.audio.fc.weight.shape == (1024, 2048)


def test_scripted_archive(tiny, tmp_path):
    class Holder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x):
            return x * self.weight

    path = tmp_path / "RN50.pt"
    torch.jit.script(Holder()).save(str(path))
    with pytest.raises(WeightsError, match=r"neither AudioCLIP nor CLIP.*first names: weight"):
        AudioCLIP.from_checkpoint(path)


def test_small_file_knows_its_size(tiny, tiny_file):
    model = AudioCLIP.from_checkpoint(tiny_file).eval()
    with torch.no_grad():
        assert torch.equal(model.encode_text(["a dog"]), tiny.encode_text(["a dog"]))


def test_all_differences_are_in_one_error(tiny, tmp_path):
    from safetensors.torch import save_file

    state = {name: tensor.clone().contiguous() for name, tensor in tiny.state_dict().items()}
    del state["audio.att3.conv_point.bias"], state["ln_final.weight"]
    state["audio.fc.weight"] = torch.zeros(7, 512)
    state["surprise"] = torch.zeros(1)
    path = tmp_path / "damaged.safetensors"
    save_file(state, path, {"preset": "audioclip-tiny"})
    with pytest.raises(WeightsError) as caught:
        AudioCLIP.from_checkpoint(path)
    text = str(caught.value)
    assert "4 names differ" in text
    for line in (
        "missing: audio.att3.conv_point.bias (256,)",
        "missing: ln_final.weight (64,)",
        "unexpected: surprise (1,)",
        "wrong shape: audio.fc.weight must be (64, 512) (got (7, 512))",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.pt", b"not weights at all", "cannot be read as a file of weights"),
        ("x.pt", b"", "cannot be read as a file of weights"),
        ("x.safetensors", b"\x00" * 20, "truncated or not a safetensors file"),
        ("x.pt", None, "there is no such file"),
    ],
)
def test_damaged_files(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        AudioCLIP.from_checkpoint(path)


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Harm:
        def __reduce__(self):
            return (print, ("harm",))

    path = tmp_path / "harm.pt"
    torch.save({"visual.conv1.weight": Harm()}, path)
    with pytest.raises(WeightsError, match="cannot be read as a file of weights"):
        AudioCLIP.from_checkpoint(path)


def test_something_else_than_a_state_dict(tmp_path):
    path = tmp_path / "list.pt"
    torch.save([torch.zeros(1)], path)
    with pytest.raises(WeightsError, match=r"must hold a state dict, tensors by name \(got list"):
        AudioCLIP.from_checkpoint(path)
