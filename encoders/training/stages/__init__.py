"""The stages in which AudioCLIP is trained."""

from encoders.training.stages.assess import Assessment, assess
from encoders.training.stages.presets import PRESETS, preset_options
from encoders.training.stages.run_folds import run_folds
from encoders.training.stages.run_stage import StageResult, run_stage
from encoders.training.stages.seen_items import held_out_folds, require_unseen
from encoders.training.stages.settings import StageSettings
from encoders.training.stages.stage import STAGES, Stage, find_stage
from encoders.training.stages.stage_model import StageModel

__all__ = [
    "PRESETS",
    "STAGES",
    "Assessment",
    "Stage",
    "StageModel",
    "StageResult",
    "StageSettings",
    "assess",
    "find_stage",
    "held_out_folds",
    "preset_options",
    "require_unseen",
    "run_folds",
    "run_stage",
]
