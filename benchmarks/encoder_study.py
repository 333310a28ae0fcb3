"""What benchmarks/compare_encoders.py compares, and which runs that takes."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from os.path import relpath
from pathlib import Path

from encoders import encoder_modalities
from encoders.store import Catalog
from gnnrec.data import Dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.models import Recommender, model_class
from gnnrec.training import TrainOptions
from gnnrec.training.live_options import LiveOptions
from gnnrec.training.reading import read_for_training

__all__ = ["FILE", "METRICS", "NONE", "RANDOM", "REGIMES", "EncoderChoice", "Panel", "Plan", "Setting", "Study", "plan"]

METRICS = ("recall@20", "ndcg@20")
REGIMES = ("frozen", "finetune", "end-to-end")
"""What encoders may do in a run; the others are :data:`FILE`, :data:`RANDOM` and :data:`NONE`."""
FILE, RANDOM, NONE = "file", "random", "none"

_WITHOUT_CONTENT = {"vbpr": "bpr-mf", "content-knn": "item-knn"}
"""The same method without content; the other models of content build on LightGCN."""


@dataclass(frozen=True)
class EncoderChoice:
    """Encoders that make a run's features together.

    Args:
        sources: Name of each and its file of weights, if any.
    """

    sources: tuple[tuple[str, Path | None], ...]

    @classmethod
    def parse(cls, text: str) -> "EncoderChoice":
        """That of a text such as ``minilm+resnet50=weights.pth``.

        Raises:
            UnknownEncoderError: If there is no encoder of a name.
        """
        sources = []
        for part in text.split("+"):
            name, _, weights = part.partition("=")
            encoder_modalities(name)
            sources.append((name, Path(weights).resolve() if weights else None))
        return cls(tuple(sources))

    @property
    def label(self) -> str:
        """How reports call it."""
        return " + ".join(name if weights is None else f"{name} ({weights.name})" for name, weights in self.sources)

    def num_features(self, catalog: Catalog) -> int:
        """How many features it makes; 0 where one of its encoders finds nothing to encode."""
        present = [name for name, entries in catalog.contents.items() if any(entry is not None for entry in entries)]
        counts = [sum(kind in present for kind in encoder_modalities(name)) for name, _ in self.sources]
        return sum(counts) if all(counts) else 0


@dataclass(frozen=True)
class Study:
    """What all runs of a comparison share.

    Args:
        data: The data set.
        split: How it is split.
        split_seed: Seed of the split.
        candidates: What is ranked, ``"all"`` or ``"new"`` items.
        options: How recommenders are trained; each run has its own seed.
        live: How encoders learn.
        templates: How contents are made from columns, by modality.
        items: A further table of the items.
        feature_folder: A further folder of feature files.
    """

    data: Path
    split: str = "given"
    split_seed: int = 0
    candidates: str = "all"
    options: TrainOptions = field(default_factory=TrainOptions)
    live: LiveOptions = field(default_factory=LiveOptions)
    templates: tuple[tuple[str, str], ...] = ()
    items: Path | None = None
    feature_folder: Path | None = None

    @property
    def zero_is_random(self) -> bool:
        """Whether models without content could only guess: nobody took the items that are asked for."""
        return self.candidates == "new" or self.split == "cold-item"

    @property
    def reading(self) -> dict[str, object]:
        """Keywords of :func:`read_for_training`; validation is carved for every model, so that all see the same."""
        folder = None if self.feature_folder is None else str(self.feature_folder)
        return {"split": self.split, "split_seed": self.split_seed, "carve": True, "feature_folder": folder}

    def read(self) -> Dataset:
        """The split data, with all feature files that there are."""
        return read_for_training("popularity", self.data, **self.reading)  # type: ignore[arg-type]

    def catalog(self, dataset: Dataset) -> Catalog:
        """What can be encoded."""
        return content_catalog(dataset, templates=dict(self.templates), table=self.items)


@dataclass(frozen=True)
class Setting:
    """A row of the report: what one run differs in from others, less the seed.

    Args:
        model: The recommender.
        regime: One of :data:`REGIMES`, or where features come from otherwise.
        encoders: What makes the features.
        features: Names of feature files.
    """

    model: str
    regime: str = NONE
    encoders: EncoderChoice | None = None
    features: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """How reports call the features."""
        return self.encoders.label if self.encoders else ", ".join(self.features) or self.regime

    def __str__(self) -> str:
        return f"{self.model}, {self.content}" + (f", {self.regime}" if self.encoders else "")

    def command(self, study: Study, seed: int) -> str:
        """The command line that repeats a run, from this folder; random features exist in this comparison only."""
        if self.regime == RANDOM:
            return ""
        options = study.options
        parts = ["gnnrec", "train", self.model, relpath(study.data), f"--seed={seed}", "--carve"]
        parts += [f"--{name}={getattr(options, name.replace('-', '_'))}" for name in ("max-epochs", "patience")]
        parts += [f"--batch-size={options.batch_size}", f"--device={options.device}", "--ks=10,20"]
        parts += [f"--split={study.split}", f"--split-seed={study.split_seed}", f"--candidates={study.candidates}"]
        if self.features:
            parts += [f"--features={','.join(self.features)}"]
        if self.features and study.feature_folder:
            parts += [f"--feature-folder={relpath(study.feature_folder)}"]
        if self.encoders:
            for name, weights in self.encoders.sources:
                parts += [f"--encoder={name}" + (f"={relpath(weights)}" if weights else "")]
            parts += [f"--encoder-training={self.regime}"]
            parts += [f"--encoder-set={name}={value}" for name, value in _changed(study.live).items()]
            parts += [f"--content={modality}={template}" for modality, template in study.templates]
            parts += [f"--items={relpath(study.items)}"] if study.items else []
        return shlex.join(parts)


@dataclass(frozen=True)
class Panel:
    """One model of content with what its gains are counted from.

    Args:
        model: The model.
        zero: The run that others are compared with.
        settings: The others.
    """

    model: str
    zero: Setting
    settings: tuple[Setting, ...]


@dataclass(frozen=True)
class Plan:
    """All rows of a report.

    Args:
        panels: One a model of content.
        references: Further models without content.
        impossible: Why rows that were asked for cannot be run.
    """

    panels: tuple[Panel, ...]
    references: tuple[Setting, ...]
    impossible: Mapping[Setting, str]

    def settings(self) -> list[Setting]:
        """Every row once, what others are compared with first."""
        zeros = [panel.zero for panel in self.panels]
        others = [setting for panel in self.panels for setting in panel.settings]
        return list(dict.fromkeys([*zeros, *self.references, *others]))


def plan(
    study: Study,
    catalog: Catalog,
    *,
    models: Sequence[str],
    encoders: Sequence[EncoderChoice],
    regimes: Sequence[str],
    features: Sequence[str] = (),
    baselines: Sequence[str] = (),
) -> Plan:
    """The rows of a comparison: each model with each choice of encoders under each regime.

    What it can tell beforehand to be impossible is left out, with the reason.

    Raises:
        ValueError: If a model has nothing to do with content, or a baseline has.
    """
    for names, wanted, kind in ((models, True, "of content"), (baselines, False, "without content")):
        wrong = [name for name in names if model_class(name).needs_features is not wanted]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: must be models {kind}")
    panels, impossible = [], {}
    for model in dict.fromkeys(models):
        zero = Setting(model, RANDOM) if study.zero_is_random else Setting(_WITHOUT_CONTENT.get(model, "lightgcn"))
        settings = []
        for choice in dict.fromkeys(encoders):
            for regime in dict.fromkeys(regimes):
                setting = Setting(model, regime, choice)
                reason = _obstacle(setting, choice.num_features(catalog))
                if reason:
                    impossible[setting] = reason
                else:
                    settings.append(setting)
        settings += [Setting(model, FILE, features=(name,)) for name in features]
        panels.append(Panel(model, zero, tuple(settings)))
    return Plan(tuple(panels), tuple(Setting(name) for name in dict.fromkeys(baselines)), impossible)


def _obstacle(setting: Setting, num_features: int) -> str | None:
    if num_features == 0:
        return "the items have nothing that one of the encoders encodes"
    if setting.regime == "finetune" and num_features < 2:
        return "fine-tuning compares two kinds of content of an item, and this makes features of one"
    if setting.regime == "end-to-end" and not issubclass(model_class(setting.model), Recommender):
        return "the model has no loss for encoders to learn from"
    return None


def _changed(options: LiveOptions) -> dict[str, object]:
    """Settings that are not the defaults."""
    values = {field.name: getattr(options, field.name) for field in fields(LiveOptions)}
    return {name: value for name, value in values.items() if value != getattr(LiveOptions(), name)}
