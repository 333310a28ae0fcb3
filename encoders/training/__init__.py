"""Training of encoders: one loop for the stages of AudioCLIP, the music-video heads and probes."""

from encoders.training.checkpoint import CheckpointFolder
from encoders.training.loop import fit
from encoders.training.options import TrainingOptions
from encoders.training.state import TrainingState
from encoders.training.task import TrainingTask

__all__ = ["CheckpointFolder", "TrainingOptions", "TrainingState", "TrainingTask", "fit"]
