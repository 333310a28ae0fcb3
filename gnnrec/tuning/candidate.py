"""One point of a search."""

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Candidate"]


@dataclass(frozen=True)
class Candidate:
    """All that a search chooses.

    Args:
        model: Name of the model.
        features: Names of its item features; none for a model without content.
        arguments: Arguments of its constructor that are not left at their defaults, the fusion among them.
        training: Options of training that the search chose, such as ``learning_rate``.
    """

    model: str
    features: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        settings = [f"{name}={_short(value)}" for name, value in {**self.arguments, **self.training}.items()]
        content = [" + ".join(self.features)] if self.features else []
        return ", ".join([self.model, *content, *settings])

    @property
    def key(self) -> str:
        """A name for files: the model and a hash of all the rest."""
        content = json.dumps(self.to_dict(), sort_keys=True).encode()
        return f"{self.model}-{hashlib.blake2b(content, digest_size=6).hexdigest()}"

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, for JSON."""
        return {**asdict(self), "features": list(self.features)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Candidate":
        """What :meth:`to_dict` gave."""
        return cls(**{**content, "features": tuple(content["features"])})

    def command(self, path: str, options: Sequence[str] = ()) -> str:
        """The command line that trains it.

        Args:
            path: The data.
            options: Further options, such as ``["--seed=1"]``.
        """
        parts = ["gnnrec", "train", self.model, path]
        if self.features:
            parts.append(f"--features={','.join(self.features)}")
        for name, value in self.arguments.items():
            parts += [f"--fusion={value}"] if name == "fusion" else ["--set", f"{name}={value}"]
        parts += [f"--{name.replace('_', '-')}={value}" for name, value in self.training.items()]
        return shlex.join([*parts, *options])


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
