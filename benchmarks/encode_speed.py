"""Is decoding hidden? Items a second, and the share of the time in which the encoder works.

    python benchmarks/encode_speed.py
    python benchmarks/encode_speed.py --items 64 --encoders clip-rn50.image
    python benchmarks/encode_speed.py --device cuda --precision fp32

Made-up photographs (JPEG, 640 x 480) and sounds (Ogg, 5 s at 44.1 kHz) are encoded with random weights, which take as
long as trained ones.
"""

import argparse
import json
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image

from encoders import create_encoder
from encoders.errors import RandomWeightsWarning
from encoders.store import Catalog, EncodeOptions, encode_catalog

HERE = Path(__file__).resolve().parent
ENCODERS = ("audioclip.image", "audioclip.audio", "clip-rn50.image", "musicnn.audio")
RATE = 44_100


def write_catalog(folder: Path, items: int) -> Catalog:
    """Photographs of smooth noise, which compress like real ones, and sounds of a few tones and noise."""
    random = np.random.default_rng(0)
    images, sounds = [], []
    time = np.arange(5 * RATE) / RATE
    for item in range(items):
        coarse = Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8))
        images.append(f"{item}.jpg")
        coarse.resize((640, 480), Image.Resampling.BICUBIC).save(folder / images[-1], quality=90)
        tones = sum(np.sin(2 * np.pi * hertz * time) for hertz in random.uniform(80, 4000, 4))
        sounds.append(f"{item}.ogg")
        soundfile.write(folder / sounds[-1], 0.15 * tones + 0.02 * random.normal(size=time.size), RATE)
    return Catalog(folder, list(range(items)), {"image": images, "audio": sounds})


def measure(name: str, catalog: Catalog, options: EncodeOptions) -> dict[str, Any]:
    """Encode the catalog once, after a warm-up of the encoder."""
    encoder_name, _, modality = name.rpartition(".")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RandomWeightsWarning)
        encoder = create_encoder(encoder_name, modality)
    device, precision = options.resolve()
    few = Catalog(catalog.root, catalog.item_ids[:8], {modality: catalog.contents[modality][:8]})
    with tempfile.TemporaryDirectory() as folder:
        encode_catalog(encoder, few, Path(folder), options=options)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with tempfile.TemporaryDirectory() as folder:
        report = encode_catalog(encoder, catalog, Path(folder), options=options)
    total = report.wait_seconds + report.forward_seconds + report.write_seconds
    return {
        "encoder": name,
        "items": report.encoded,
        "items a second": round(report.encoded / total, 2),
        "share of forward": round(report.forward_seconds / total, 3),
        "share of waiting": round(report.wait_seconds / total, 3),
        "share of writing": round(report.write_seconds / total, 4),
        "device": device.type,
        "precision": precision,
        "peak device MiB": round(torch.cuda.max_memory_allocated(device) / 2**20) if device.type == "cuda" else None,
        "workers": options.workers,
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    """Measure each encoder and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=256)
    parser.add_argument("--encoders", nargs="+", default=list(ENCODERS))
    parser.add_argument("--workers", type=int, default=EncodeOptions().workers)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "encode_speed.json")
    given = parser.parse_args()
    options = EncodeOptions(workers=given.workers, device=given.device, precision=given.precision)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        catalog = write_catalog(Path(folder), given.items)
        for name in given.encoders:
            rows.append(measure(name, catalog, options))
            print(json.dumps(rows[-1]), flush=True)
    given.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
