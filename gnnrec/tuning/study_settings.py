"""What a study is, so that it goes on with the same and nothing else."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gnnrec.data.dataset import Dataset, feature_hash
from gnnrec.errors import ArgumentError
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.space import StudySpace

if TYPE_CHECKING:
    from optuna.study import Study

__all__ = ["SETTINGS", "check_settings", "describe_study", "study_key"]

SETTINGS = "settings"
"""Attribute of a study."""
_SETTINGS_SECONDS, _PAUSE = 10.0, 0.05
"""How long whoever has made a study may take to say what it is; then it was killed, and another says so."""
_MAY_CHANGE = ("trials", "timeout", "finalists", "seeds")
_DEVICE = "training.device"
"""Each worker has its own; what the first had is kept to repeat it."""


def describe_study(
    dataset: Dataset, space: StudySpace, options: TuneOptions, reading: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of a study, plain containers."""
    kept = {name: value for name, value in asdict(options).items() if name not in _MAY_CHANGE}
    kept["objectives"] = list(options.objectives)
    training = kept.pop("training")
    # Trials replace these two.
    kept["training"] = {name: value for name, value in training.items() if name not in ("seed", "metric")}
    searched = sorted({name for names in space.feature_sets for name in names})
    return {
        "data": {
            "name": dataset.name,
            "path": str(dataset.source),
            "fingerprint": dataset.fingerprint,
            "fingerprint_with_features": dataset.fingerprint_with_features,
            "features": {name: feature_hash(dataset.features[name]) for name in searched},
        },
        "split": dataset.split,
        "reading": dict(reading),
        "space": [list(row) for row in space.describe()],
        "options": kept,
    }


def check_settings(study: "Study", wanted: Mapping[str, Any], *, is_new: bool = False) -> None:
    """Write the settings into a new study, or see that an existing one has the same.

    Args:
        study: The study.
        wanted: The settings.
        is_new: Whether this process has made the study. Settings of a study that another has just made are waited for.

    Raises:
        ArgumentError: If it has others; what differs is named.
    """
    found = study.user_attrs.get(SETTINGS)
    end = time.monotonic() + (0.0 if is_new else _SETTINGS_SECONDS)
    while found is None and time.monotonic() < end and not study.get_trials(deepcopy=False):
        time.sleep(_PAUSE)
        found = study.user_attrs.get(SETTINGS)
    if found is None:
        if study.get_trials(deepcopy=False):
            raise ArgumentError(f"study '{study.study_name}' was not made by gnnrec; choose another --name")
        study.set_user_attr(SETTINGS, dict(wanted))
        return
    problems = []
    old, new = found["data"], wanted["data"]
    if old["fingerprint"] not in (new["fingerprint"], new["fingerprint_with_features"]):
        problems.append(
            f"its data are {old['name']} (fingerprint {old['fingerprint'][:8]}), not {new['name']} "
            f"({new['fingerprint'][:8]})"
        )
    before, now = old.get("features", {}), new["features"]  # version 0.1 had them in the fingerprint
    if changed := [name for name in before if name in now and before[name] != now[name]]:
        problems.append(f"its features {', '.join(changed)} had other values")
    if found["space"] != wanted["space"]:
        rows = [{tuple(row) for row in one["space"]} for one in (found, wanted)]
        names = sorted({row[0] for row in rows[0] ^ rows[1]})
        problems.append(f"its space differs in {', '.join(names) or 'the order of models'}")
    before, now = _flat(found["options"]), _flat(wanted["options"])
    problems += [
        f"its {name.removeprefix('training.')} is {before.get(name)}, not {value}"
        for name, value in now.items()
        if name != _DEVICE and before.get(name) != value
    ]
    if problems:
        raise ArgumentError(
            f"study '{study.study_name}' is another: {'; '.join(problems)}. Go on with the same settings, or choose "
            "another --name"
        )


def study_key(settings: Mapping[str, Any]) -> str:
    """A name for what belongs to a study of these settings and to no other of its name."""
    options = {name: one for name, one in _flat(settings["options"]).items() if name != _DEVICE}
    data = {name: one for name, one in settings["data"].items() if name != "fingerprint_with_features"}
    kept = {**settings, "data": data, "options": options}
    return hashlib.blake2b(json.dumps(kept, sort_keys=True).encode(), digest_size=6).hexdigest()


def _flat(options: Mapping[str, Any]) -> dict[str, Any]:
    training = {f"training.{name}": value for name, value in options["training"].items()}
    return {**{name: value for name, value in options.items() if name != "training"}, **training}
