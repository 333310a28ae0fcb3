import pytest
import soundfile
import torch
from PIL import Image

from encoders import create_encoders
from encoders.store import Catalog, EncodeOptions, encode_catalog
from encoders.store.blocks import read_rows

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning"),
]


@pytest.mark.parametrize("name", ["audioclip", "clip-rn50"])
def test_precisions_and_devices_agree(name, tmp_path):
    images, sounds, texts = [], [], []
    for place in range(12):
        random = torch.Generator().manual_seed(place)
        pixels = torch.randint(0, 256, (40, 50, 3), generator=random, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).resize((320, 256)).save(tmp_path / f"{place}.png")
        images.append(f"{place}.png")
        samples = torch.rand(44_100 * 2, generator=random).numpy() - 0.5
        soundfile.write(tmp_path / f"{place}.wav", samples, 44_100)
        sounds.append(f"{place}.wav")
        texts.append(f"text number {place} of some")
    catalog = Catalog(tmp_path, list(range(12)), {"image": images, "audio": sounds, "text": texts})
    for modality, encoder in create_encoders(name).items():
        rows = {}
        for device, precision in (("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "bf16")):
            options = EncodeOptions(device=device, precision=precision, workers=2)
            out = tmp_path / f"{device}-{precision}"
            rows[device, precision] = read_rows(encode_catalog(encoder, catalog, out, options=options).path)[0].x
        for other in (("cpu", "fp32"), ("cuda", "bf16")):
            similarity = torch.cosine_similarity(rows["cuda", "fp32"], rows[other])
            assert float(similarity.min()) >= 0.999, (modality, other)
