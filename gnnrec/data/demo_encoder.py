"""The demo's encoder: a small AudioCLIP, fitted to the demo catalog."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from encoders.audioclip import AudioCLIP
from encoders.audioclip.encoder import AUDIOCLIP_MODALITIES
from encoders.audioclip.fit import fit_audioclip
from encoders.base import Encoder
from encoders.registry import create_encoders
from encoders.store import Catalog
from encoders.training import TrainingOptions

__all__ = ["DEMO_ENCODER", "fit_demo_encoder"]

DEMO_ENCODER = "audioclip-tiny"


def fit_demo_encoder(
    catalog: Catalog,
    weights: str | Path,
    *,
    epochs: int = 30,
    seed: int = 0,
    on_epoch: Callable[[int, float], None] | None = None,
) -> int:
    """Fit a small AudioCLIP on the items that have a picture, a text and a sound, and save its weights.

    Nothing but the content is used: neither interactions nor the worlds that made the items.

    Args:
        catalog: Of a demo catalog.
        weights: File to write.
        epochs: Passes over the items.
        seed: Of the first weights, the order and the augmentation.
        on_epoch: Called with the number of the epoch and its loss.

    Returns:
        Number of items that were fitted on.
    """
    encoders = create_encoders(DEMO_ENCODER, AUDIOCLIP_MODALITIES, seed=seed)
    columns = [catalog.contents[modality] for modality in AUDIOCLIP_MODALITIES]
    items = [item for item, entries in enumerate(zip(*columns, strict=True)) if None not in entries]
    prepared = {
        modality: torch.cat([_first_sample(encoder, catalog, item) for item in items])
        for modality, encoder in encoders.items()
    }
    model = encoders["image"].get_submodule("model")
    assert isinstance(model, AudioCLIP)

    def tell(record: dict[str, Any]) -> None:
        if on_epoch:
            on_epoch(record["epoch"], record["losses"]["contrast"])

    options = TrainingOptions(
        epochs=epochs, batch_size=32, optimizer="adamw", learning_rate=1e-3, schedule="cosine", seed=seed
    )
    fit_audioclip(
        model,
        image=prepared["image"],
        text=prepared["text"],
        audio=prepared["audio"],
        options=options,
        on_epoch=tell,
    )
    model.save(weights, preset=DEMO_ENCODER)
    return len(items)


def _first_sample(encoder: Encoder, catalog: Catalog, item: int) -> torch.Tensor:
    entry = catalog.contents[encoder.modality][item]
    assert entry is not None, "only items with all contents are fitted on"
    if encoder.modality == "text":
        return encoder.preprocess(entry).samples[:1]
    data = catalog.read(encoder.modality, item)
    return encoder.preprocess(encoder.preprocess.read(data, entry)).samples[:1]
