"""Encoders in a run folder: what they are, their weights, and the features they made."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from torch import Tensor

from encoders import Encoder
from encoders.trained_file import save_trained
from encoders.training import CheckpointFolder
from gnnrec.data.item_features import ItemFeatures
from gnnrec.training.finetune import FINETUNE_OPTIONS, finetune_encoders
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.options import TrainOptions
from gnnrec.training.run_description import run_identity
from gnnrec.training.run_folder import RunFolder

__all__ = ["add_encoders", "describe_encoders", "encode_before_training", "encoder_file", "write_encoders"]


def describe_encoders(live: LiveFeatures, training: str, encoding: Mapping[str, Any]) -> dict[str, Any]:
    """What made the features of a run, for its ``run.json``.

    Args:
        live: The encoders as they are before training.
        training: The regime.
        encoding: How they were built and of which contents.
    """
    features = {}
    for name, encoder, content in zip(live.names, live.encoders, live.contents, strict=True):
        assert isinstance(encoder, Encoder), "nothing else is among them"
        features[name] = {
            "encoder": encoder.name,
            "modality": encoder.modality,
            "dim": encoder.dim,
            "file": encoder_file(encoder),
            "weights_hash": encoder.weights_hash(),
            "preprocessing": encoder.preprocess.describe(),
            "covered": int(content.mask.sum()),
            "contents_hash": content.content_hash,
        }
    return {"training": training, "options": asdict(live.options), "features": features, "encoding": dict(encoding)}


def add_encoders(description: Mapping[str, Any], encoders: Mapping[str, Any]) -> dict[str, Any]:
    """A run's description with its encoders, which make it another run."""
    whole = {**description, "encoders": dict(encoders)}
    return {**whole, "identity": run_identity(whole)}


def encoder_file(encoder: Encoder) -> str:
    """Where in a run folder the weights of an encoder are; encoders that share a model share a file."""
    return f"encoders/{encoder.name.replace(':', '-')}.safetensors"


def encode_before_training(
    run: RunFolder, live: LiveFeatures, training: str, options: TrainOptions
) -> dict[str, ItemFeatures]:
    """Features that stay as they are while the recommender learns, of fine-tuned encoders or of the given ones."""
    if training == "finetune":
        tuning = replace(
            FINETUNE_OPTIONS,
            epochs=live.options.finetune_epochs,
            learning_rate=live.options.learning_rate,
            batch_size=min(FINETUNE_OPTIONS.batch_size, live.num_items),
            seed=options.seed,
            device=str(live.epoch.device),
        )
        finetune_encoders(live, tuning, folder=CheckpointFolder(run.path / "finetune", "fine-tuning of this run"))
    else:
        live.refresh()
    return live.current()


def write_encoders(run: RunFolder, live: LiveFeatures) -> None:
    """Write the weights of the encoders and the features they give of all items."""
    written = set()
    for name, features in live.current().items():
        encoder = live.encoders[live.names.index(name)]
        assert isinstance(encoder, Encoder), "nothing else is among them"
        tensors: dict[str, Tensor] = {"x": features.x, "mask": features.mask}
        run.write_tensors(f"features/{name}.safetensors", tensors)
        if encoder_file(encoder) not in written:
            save_trained(encoder, run.path / encoder_file(encoder))
            written.add(encoder_file(encoder))
