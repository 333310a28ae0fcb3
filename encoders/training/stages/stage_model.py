"""What a stage left behind, read again."""

import json
from dataclasses import dataclass
from pathlib import Path

from encoders.audioclip import AudioCLIP, ESResNeXt
from encoders.errors import WeightsError
from encoders.training.stages.initial_weights import new_head, weights_file
from encoders.weights import check_fit, read_state_dict

__all__ = ["StageModel"]


@dataclass(frozen=True)
class StageModel:
    """A trained model: a classifier of sounds, or all three heads.

    Args:
        model: In evaluation mode.
        size: Its preset.
        classes: Names of a classifier's outputs; empty for all heads.
    """

    model: ESResNeXt | AudioCLIP
    size: str
    classes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "StageModel":
        """The model of a run folder or of a file of weights, AudioCLIP's own files among them.

        Raises:
            WeightsError: If the file is missing, damaged or does not fit.
        """
        file = weights_file(path)
        if file.suffix == ".safetensors":
            state, header = read_state_dict(file)
            if "classes" in header:
                classes = tuple(json.loads(header["classes"]))
                if "preset" not in header:
                    raise WeightsError(f"{file}: its header must name the preset of the sizes")
                head = new_head(header["preset"], len(classes))
                check_fit(file, head.state_dict(), state)
                head.load_state_dict(state)
                return cls(head.eval(), header["preset"], classes)
            size = header.get("preset", "audioclip")
        else:
            size = "audioclip"
        return cls(AudioCLIP.from_checkpoint(file).eval(), size)
