"""What a run of training was, on disk."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from encoders.errors import EncoderError
from encoders.files import require_regular
from encoders.musicvideo.configurations import MusicVideoConfiguration
from encoders.musicvideo.segment_features import FeatureSplit, SegmentFeatures
from encoders.training import TrainingOptions
from encoders.training.run_files import versions, write_json

__all__ = ["MusicVideoRun"]

_NAME = "run.json"
_NO_MATTER = ("epochs", "device")  # going on for longer or elsewhere is the same run


@dataclass(frozen=True)
class MusicVideoRun:
    """All that a run of training follows from.

    Args:
        configuration: Of the model.
        options: Of training.
        shares: Of the films in training, validation and test.
        split_seed: Of sharing them out.
        features_hash: Of the features.
        segments: Their number.
        films: Number of films.
    """

    configuration: MusicVideoConfiguration
    options: TrainingOptions
    shares: tuple[float, float, float]
    split_seed: int
    features_hash: str
    segments: int
    films: int

    def identity(self) -> str:
        """What may not change when a run goes on."""
        values = asdict(self)
        options = {name: value for name, value in values.pop("options").items() if name not in _NO_MATTER}
        return json.dumps(values | {"options": options}, sort_keys=True)

    def split(self, features: SegmentFeatures) -> FeatureSplit:
        """The run's own parts of its features."""
        train, valid, test = self.shares
        return features.split(train, valid, test, seed=self.split_seed)

    def write(self, folder: Path) -> None:
        """Write ``run.json``."""
        write_json(folder / _NAME, {"kind": "musicvideo", **asdict(self), "versions": versions()})

    @classmethod
    def read(cls, folder: Path) -> "MusicVideoRun":
        """Read ``run.json``.

        Raises:
            EncoderError: If it is missing, damaged or of another kind of run.
        """
        path = folder / _NAME
        require_regular(path, EncoderError)
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("kind") != "musicvideo":
                raise EncoderError(f"{path}: is no run of musicvideo")
            values.pop("versions")
            values["configuration"] = MusicVideoConfiguration(**values["configuration"])
            values["options"] = TrainingOptions(**values["options"])
            values["shares"] = tuple(values["shares"])
            return cls(**values)
        except FileNotFoundError:
            raise EncoderError(f"{path}: there is no such file; is {folder} the folder of a run?") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EncoderError(f"{path}: damaged: {error}") from None
