"""The training loop, its callbacks, and whole experiments.

What needs encoders or readers loads on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gnnrec.training.callbacks import Callback, EarlyStopping
from gnnrec.training.checkpoint import Checkpoint
from gnnrec.training.loop import fit
from gnnrec.training.options import TrainOptions
from gnnrec.training.sampler import TripleSampler
from gnnrec.training.state import TrainState

if TYPE_CHECKING:
    from gnnrec.training.encoder_source import EncoderSource, create_live_features
    from gnnrec.training.end_to_end import EndToEnd
    from gnnrec.training.experiment import run_experiment
    from gnnrec.training.live_options import LiveOptions
    from gnnrec.training.reading import read_for_training

__all__ = [
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "EncoderSource",
    "EndToEnd",
    "LiveOptions",
    "TrainOptions",
    "TrainState",
    "TripleSampler",
    "create_live_features",
    "fit",
    "read_for_training",
    "run_experiment",
]

_MODULES = {
    "EncoderSource": "encoder_source",
    "EndToEnd": "end_to_end",
    "LiveOptions": "live_options",
    "create_live_features": "encoder_source",
    "read_for_training": "reading",
    "run_experiment": "experiment",
}
"""Where the names are that load on first use."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"gnnrec.training.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'gnnrec.training' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
