"""Where the runs of benchmarks/compare_encoders.py are kept, by all that they depend on."""

import fcntl
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from encoder_study import EncoderChoice, Setting, Study

import gnnrec
from encoders import encoder_modalities
from encoders.errors import ContentError
from encoders.files import file_hash
from encoders.store import Catalog
from gnnrec.data import Dataset
from gnnrec.data.dataset import feature_hash

__all__ = ["COST_FILE", "Cache", "is_finished", "only_one"]

COST_FILE = "cost.json"
"""Last file of a run: what it took."""


class Cache:
    """Run folders of a study.

    Other settings, another log, other feature values, contents or weights are another folder, so that what is there is
    never taken for something else.

    Args:
        folder: Where they are.
        study: What all runs share.
        dataset: The data, as read.
        catalog: What is encoded.
    """

    def __init__(self, folder: Path, study: Study, dataset: Dataset, catalog: Catalog) -> None:
        self.folder, self.study, self.dataset, self.catalog = folder, study, dataset, catalog
        self._contents: dict[str, str] = {}
        self._weights: dict[Path, str] = {}

    @cached_property
    def fingerprint(self) -> str:
        """Of ids and interactions; features are noted by the runs that use them."""
        return replace(self.dataset, features={}).fingerprint

    def run_folder(self, setting: Setting, seed: int) -> Path:
        """The folder of a run, whether or not it is there yet."""
        text = json.dumps(self.identity(setting, seed), sort_keys=True)
        digest = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
        shown = re.sub(r"[^\w.+-]", "-", f"{setting.model}-{setting.regime}-{seed}")
        return self.folder / f"{shown}-{digest}"

    def identity(self, setting: Setting, seed: int) -> dict[str, Any]:
        """All that a run depends on."""
        features = self.dataset.select_features(list(setting.features))
        return {
            "version": gnnrec.__version__,
            "log": self.fingerprint,
            "model": setting.model,
            "regime": setting.regime,
            "candidates": self.study.candidates,
            "options": asdict(replace(self.study.options, seed=seed)),
            "features": {name: feature_hash(value) for name, value in features.items()},
            "encoders": self._encoders(setting.encoders) if setting.encoders else None,
        }

    def contents_of(self, choice: EncoderChoice) -> dict[str, str]:
        """Hash of the contents that encoders are given, by modality."""
        names = [
            kind for name, _ in choice.sources for kind in encoder_modalities(name) if kind in self.catalog.contents
        ]
        return {kind: self._hash_contents(kind) for kind in dict.fromkeys(names)}

    def _encoders(self, choice: EncoderChoice) -> dict[str, Any]:
        return {
            "sources": [(name, weights and self._hash_weights(weights)) for name, weights in choice.sources],
            "contents": self.contents_of(choice),
            "live": asdict(self.study.live),
        }

    def _hash_contents(self, modality: str) -> str:
        """Hash of all bytes: a picture that was replaced makes other features."""
        if modality not in self._contents:
            digest = hashlib.blake2b(digest_size=10)
            for item, entry in enumerate(self.catalog.contents[modality]):
                try:
                    data = b"" if entry is None else self.catalog.read(modality, item)
                except ContentError:
                    data = b""
                digest.update(hashlib.blake2b(data, digest_size=16).digest())
            self._contents[modality] = digest.hexdigest()
        return self._contents[modality]

    def _hash_weights(self, path: Path) -> str:
        """Hash of a file, or of all files of a folder, by name."""
        if path not in self._weights:
            files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
            text = "\n".join(f"{file.relative_to(path)} {file_hash(file)}" for file in files)
            self._weights[path] = hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
        return self._weights[path]


def is_finished(folder: Path) -> bool:
    """Whether a run is there with all its figures."""
    return (folder / COST_FILE).is_file()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Wait until no other process works on a run: a second command, or what a killed one left behind."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
