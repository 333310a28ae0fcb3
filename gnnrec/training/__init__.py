"""The training loop, its callbacks, and whole experiments."""

from gnnrec.training.callbacks import Callback, EarlyStopping
from gnnrec.training.checkpoint import Checkpoint
from gnnrec.training.loop import fit
from gnnrec.training.options import TrainOptions
from gnnrec.training.sampler import TripleSampler
from gnnrec.training.state import TrainState

__all__ = ["Callback", "Checkpoint", "EarlyStopping", "TrainOptions", "TrainState", "TripleSampler", "fit"]
