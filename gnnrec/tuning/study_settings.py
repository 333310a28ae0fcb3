"""What a study is, so that it goes on with the same and nothing else."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gnnrec.data.dataset import Dataset
from gnnrec.errors import ArgumentError
from gnnrec.tuning.options import TuneOptions
from gnnrec.tuning.space import StudySpace

if TYPE_CHECKING:
    from optuna.study import Study

__all__ = ["SETTINGS", "check_settings", "describe_study"]

SETTINGS = "settings"
"""Attribute of a study."""
_MAY_CHANGE = ("trials", "timeout", "finalists", "seeds")


def describe_study(
    dataset: Dataset, space: StudySpace, options: TuneOptions, reading: Mapping[str, Any]
) -> dict[str, Any]:
    """The settings of a study, plain containers."""
    kept = {name: value for name, value in asdict(options).items() if name not in _MAY_CHANGE}
    kept["objectives"] = list(options.objectives)
    return {
        "data": {"name": dataset.name, "path": str(dataset.source), "fingerprint": dataset.fingerprint},
        "split": dataset.split,
        "reading": dict(reading),
        "space": [list(row) for row in space.describe()],
        "options": kept,
    }


def check_settings(study: "Study", wanted: Mapping[str, Any]) -> None:
    """Write the settings into a new study, or see that an existing one has the same.

    Raises:
        ArgumentError: If it has others; what differs is named.
    """
    found = study.user_attrs.get(SETTINGS)
    if found is None:
        if study.get_trials(deepcopy=False):
            raise ArgumentError(f"study '{study.study_name}' was not made by gnnrec; choose another --name")
        study.set_user_attr(SETTINGS, dict(wanted))
        return
    problems = []
    old, new = found["data"], wanted["data"]
    if old["fingerprint"] != new["fingerprint"]:
        problems.append(
            f"its data are {old['name']} (fingerprint {old['fingerprint'][:8]}), not {new['name']} "
            f"({new['fingerprint'][:8]})"
        )
    if found["space"] != wanted["space"]:
        before, now = ({tuple(row) for row in one["space"]} for one in (found, wanted))
        names = sorted({row[0] for row in before ^ now})
        problems.append(f"its space differs in {', '.join(names) or 'the order of models'}")
    for name, value in wanted["options"].items():
        if found["options"].get(name) != value:
            problems.append(f"its {name} is {found['options'].get(name)}, not {value}")
    if problems:
        raise ArgumentError(
            f"study '{study.study_name}' is another: {'; '.join(problems)}. Go on with the same settings, or choose "
            "another --name"
        )
