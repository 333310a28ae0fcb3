"""Jobs of benchmarks/models.py and the file of finished runs."""

import fcntl
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spaces import FEATURES, Point, content_models, settings_key, settings_of

from gnnrec.data import read_dataset

__all__ = ["COLD_SPLIT", "GIVEN_SPLIT", "Budget", "Job", "Record", "Records", "Source", "find", "finished"]

Record = dict[str, Any]
GIVEN_SPLIT, COLD_SPLIT = "given", "cold-item"


@dataclass(frozen=True)
class Source:
    """A data set.

    Args:
        name: Its name, that of its folder.
        fingerprints: Content hash by split; see ``Dataset.fingerprint_with_features``.
        features: Features that models of content get.
        every_feature: All that it has; of records, all that a run used.
        path: The folder; None where only records are at hand.
    """

    name: str
    fingerprints: Mapping[str, str]
    features: Sequence[str]
    every_feature: Sequence[str] = ()
    path: Path | None = None

    @classmethod
    def from_folder(cls, path: Path) -> "Source":
        """The data set of a folder."""
        path = path.resolve()
        datasets = {split: read_dataset(path, split=split) for split in (GIVEN_SPLIT, COLD_SPLIT)}
        fingerprints = {split: dataset.fingerprint_with_features for split, dataset in datasets.items()}
        every = tuple(datasets[GIVEN_SPLIT].features)
        return cls(path.name, fingerprints, FEATURES.get(path.name, every), every, path)

    @classmethod
    def from_records(cls, name: str, records: Sequence[Record]) -> "Source":
        """The data set that the latest runs were made on."""
        own = [record for record in records if record["data"] == name]
        used = [record["features"] for record in own if record["features"]]
        # Runs with further features must not stand for those of the search.
        features = FEATURES.get(name, used[-1] if used else ())
        fingerprints = {record["split"]: record["fingerprint"] for record in own}
        return cls(name, fingerprints, features, max(used, key=len, default=()))


@dataclass(frozen=True)
class Budget:
    """How long a run may take.

    Args:
        max_epochs: Epochs at most.
        patience: Epochs without a better validation Recall@20 after which it stops.
    """

    max_epochs: int
    patience: int


@dataclass(frozen=True)
class Job:
    """One run.

    Args:
        source: The data set.
        model: Name of the model.
        point: Its hyper-parameters that differ from the defaults.
        seed: Seed of training.
        budget: How long it may take.
        split: ``"given"``, or ``"cold-item"`` for held-out items.
        keep_users: Whether the figures of each user are kept, for tests of significance.
        device: Where it runs; a run on another device counts as the same.
    """

    source: Source
    model: str
    point: Point
    seed: int
    budget: Budget
    split: str = GIVEN_SPLIT
    keep_users: bool = False
    device: str = "cpu"

    @property
    def features(self) -> list[str]:
        """Names of the item features that the model gets."""
        return list(self.source.features) if self.model in content_models() else []

    def describe(self) -> Record:
        """What tells this run from others, as a record has it."""
        return {
            "data": self.source.name,
            "split": self.split,
            "fingerprint": self.source.fingerprints.get(self.split),
            "model": self.model,
            "features": self.features,
            "settings": settings_of(self.model, self.point),
            "seed": self.seed,
        }

    def folder(self) -> str:
        """Name of the folder for the figures of each user."""
        text = json.dumps([_identity(self.describe()), self.budget.max_epochs, self.budget.patience])
        digest = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        return f"{self.source.name}-{self.split}-{self.model}-{self.seed}-{digest}"

    def __str__(self) -> str:
        settings = ", ".join(f"{name} {value}" for name, value in self.point.items()) or "defaults"
        return f"{self.source.name} {self.model} ({settings}) seed {self.seed}"


class Records:
    """Finished runs, one line of JSON each; several processes may append to the file.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def cache(self) -> Path:
        """Folder beside the file for the figures of each user, which stay out of version control."""
        return self.path.parent / ".cache"

    def read(self) -> list[Record]:
        """All runs, oldest first."""
        if not self.path.exists():
            return []
        return [_completed(json.loads(line)) for line in self.path.read_text(encoding="utf-8").splitlines()]

    def append(self, record: Record) -> None:
        """Add a run in one write under a lock, so that lines of two processes never mix."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json.dumps(record) + "\n")


def find(job: Job, records: Sequence[Record]) -> Record | None:
    """The latest run that gives what the job would give; it may be a failed one.

    A job that keeps the figures of each user is satisfied only by a run that kept them.
    """
    wanted = _identity(job.describe())
    for record in reversed(records):
        if record["model"] != job.model or record["seed"] != job.seed or _identity(record) != wanted:
            continue
        if _within(record, job.budget) and (not job.keep_users or "per_user" in record or "failed" in record):
            return record
    return None


def finished(jobs: Sequence[Job], records: Sequence[Record]) -> list[Record]:
    """The runs of jobs that have been made and did not fail."""
    found = [find(job, records) for job in jobs]
    return [run for run in found if run is not None and "failed" not in run]


def _identity(record: Record) -> str:
    names = ("data", "split", "fingerprint", "model", "features", "seed")
    return json.dumps([*(record[name] for name in names), settings_key(record["settings"])])


def _within(record: Record, budget: Budget) -> bool:
    """Whether the run would have been the same under the budget."""
    if record["epochs"] == 0:
        return True  # nothing is trained in epochs, or training failed
    if record["patience"] != budget.patience:
        return False
    stopped_by_itself = record["epochs"] - record["best_epoch"] >= budget.patience
    return record["max_epochs"] == budget.max_epochs or (stopped_by_itself and record["epochs"] <= budget.max_epochs)


def _completed(record: Record) -> Record:
    """The earliest runs had one split, one choice of features and the default training options, and did not say so."""
    content = record["model"] in content_models()
    features = list(FEATURES.get(record["data"], ())) if content else []
    training = {"max_epochs": 1000, "patience": 20, "device": "cpu"}
    return {"split": GIVEN_SPLIT, "features": features, **training, **record}
