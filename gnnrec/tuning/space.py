"""What a study searches: models, fusions, sets of features and each model's own hyper-parameters."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_type_hints

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models import AllBut, Choice, FloatRange, IntegerRange, Range, Recommender, model_arguments, model_class
from gnnrec.nn.fusion import list_fusions
from gnnrec.training.options import TrainOptions
from gnnrec.tuning.candidate import Candidate
from gnnrec.tuning.feature_sets import JOIN
from gnnrec.tuning.typed_range import typed_range

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["DEFAULT_FUSION", "TRAINING", "StudySpace"]

DEFAULT_FUSION = "default"
"""Name of a model's own fusion, that of its paper."""
TRAINING = ("learning_rate", "batch_size")
"""Names in a model's space that are options of training."""

MODEL, FUSION, FEATURES = "model", "fusion", "features"


@dataclass(frozen=True)
class StudySpace:
    """The space of a study: Optuna's parameters ``model``, ``fusion``, ``features`` and ``MODEL.ARGUMENT``.

    What has a single value is no parameter. A model's own ranges are in its ``search_space``; fusions and features are
    parameters where the model at hand has content.

    Args:
        models: Names of models.
        fusions: Names of fusions, ``"default"`` for a model's own; empty: every model has its own.
        feature_sets: Sets of features by name; models without content ignore them.
        ranges: Ranges that replace a model's, by ``MODEL.ARGUMENT``, or by ``ARGUMENT`` for all models that have it;
            a :class:`~gnnrec.models.Choice` of one value fixes it.

    Raises:
        UnknownNameError: If a model, a fusion or an argument does not exist.
        ArgumentError: If nothing is named, something twice, or a model of content has no features.
    """

    models: tuple[str, ...]
    fusions: tuple[str, ...] = ()
    feature_sets: tuple[tuple[str, ...], ...] = ()
    ranges: Mapping[str, Range] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.models:
            raise ArgumentError("'models' must name at least one model")
        for kind, names in (("models", self.models), ("fusions", self.fusions), ("feature_sets", self.feature_sets)):
            if len(set(names)) < len(names):
                raise ArgumentError(f"'{kind}' must name each once (got {', '.join(map(str, names))})")
        for name in self.models:
            if model_class(name).needs_features and not self.feature_sets:
                raise ArgumentError(f"'{name}' recommends from item features, and there are none")
        for name in self.fusions:
            if name not in (DEFAULT_FUSION, *list_fusions()):
                raise UnknownNameError("fusion", name, [DEFAULT_FUSION, *list_fusions()])
        self._check_ranges()

    def own(self, model: str) -> dict[str, Range]:
        """Ranges of a model's own hyper-parameters, less its fusion."""
        ranges = dict(model_class(model).search_space)
        known = _arguments(model)
        for prefix in ("", f"{model}."):  # a model's own replacement counts more than one for all
            for argument, annotation in known.items():
                if replacement := self.ranges.get(prefix + argument):
                    ranges[argument] = typed_range(prefix + argument, replacement, annotation)
        return ranges

    def suggest(self, trial: "Trial") -> Candidate:
        """Have Optuna choose a point."""
        model = _one_of(trial, MODEL, self.models)
        options: dict[str, Any] = {}
        features: tuple[str, ...] = ()
        if model_class(model).needs_features:
            sets = {JOIN.join(names): names for names in self.feature_sets}
            features = sets[_one_of(trial, FEATURES, tuple(sets))]
            if self.fusions and FUSION in model_arguments(model):
                fusion = _one_of(trial, FUSION, self.fusions)
                if fusion != DEFAULT_FUSION:
                    options[FUSION] = fusion
        for name, one in self._in_order(model):
            known = {**_defaults(model), **options}
            if all(known[other] in values for other, values in one.when.items()):
                options[name] = _suggest(trial, f"{model}.{name}", one)
        return _candidate(model, features, options)

    def planned(self) -> list[dict[str, Any]]:
        """Parameters of the first trials: each model's paper, then each model's defaults where they differ.

        What lies outside the space is left to the sampler.
        """
        points = []
        for settings in (_paper, _defaults):
            for model in self.models:
                point = self._parameters(model, settings(model))
                if point not in points:
                    points.append(point)
        return points

    def spread(self, seed: int) -> list[dict[str, Any]]:
        """Every combination of model, fusion and features once, in an order drawn with the seed.

        Trials at random would miss one of nine combinations in ten trials as often as not.
        """
        points: list[dict[str, Any]] = []
        for model in self.models:
            of_content = model_class(model).needs_features
            fused = of_content and FUSION in model_arguments(model)
            for fusion in (self.fusions if fused else ()) or (None,):
                for names in self.feature_sets if of_content else (None,):
                    point: dict[str, Any] = {MODEL: model}
                    point |= {} if fusion is None else {FUSION: fusion}
                    point |= {} if names is None else {FEATURES: JOIN.join(names)}
                    points.append(point)
        random.Random(seed).shuffle(points)
        return points

    def default(self, model: str) -> Candidate:
        """A model as it is shipped, with the largest set of features."""
        return Candidate(model, self._largest if model_class(model).needs_features else ())

    def describe(self) -> list[tuple[str, str, str]]:
        """Rows for people: parameter, values, condition."""
        rows = [(MODEL, ", ".join(self.models), "")]
        of_content = [model for model in self.models if model_class(model).needs_features]
        where = "" if len(of_content) == len(self.models) else f"model is {' or '.join(of_content)}"
        if of_content:
            rows.append((FUSION, ", ".join(self.fusions) or "each model's own", where))
            rows.append((FEATURES, ", ".join(JOIN.join(names) for names in self.feature_sets), where))
        for model in self.models:
            for name, one in self.own(model).items():
                conditions = [_condition(other, values) for other, values in one.when.items()]
                if len(self.models) > 1:
                    conditions.insert(0, f"model is {model}")
                rows.append((f"{model}.{name}", str(one), ", ".join(conditions)))
        return rows

    @property
    def _largest(self) -> tuple[str, ...]:
        return max(self.feature_sets, key=lambda names: len(names))

    def _parameters(self, model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
        """A model's settings as Optuna's parameters, as far as the space has them."""
        point: dict[str, Any] = {MODEL: model}
        if model_class(model).needs_features:
            point[FEATURES] = JOIN.join(self._largest)
            own = settings.get(FUSION)
            chosen = DEFAULT_FUSION if DEFAULT_FUSION in self.fusions else own
            if chosen in self.fusions:
                point[FUSION] = chosen
        ranges = self.own(model)
        point |= {f"{model}.{name}": value for name, value in settings.items() if value in ranges.get(name, ())}
        return point

    def _in_order(self, model: str) -> list[tuple[str, Range]]:
        """A model's ranges, each after those that its conditions name."""
        left, ordered = self.own(model), []
        while left:
            ready = [name for name, one in left.items() if not any(other in left for other in one.when)]
            if not ready:
                raise ArgumentError(f"the conditions of {', '.join(left)} of '{model}' go round in a circle")
            ordered += [(name, left.pop(name)) for name in ready]
        return ordered

    def _check_ranges(self) -> None:
        for name in self.ranges:
            of, separator, argument = name.rpartition(".")
            if separator and of not in self.models:
                raise UnknownNameError("model of a range", of, self.models)
            if argument == FUSION:
                raise ArgumentError("a range cannot be of 'fusion'; fusions have an option of their own")
            candidates = [of] if separator else list(self.models)
            if not any(argument in _arguments(model) for model in candidates):
                known = {argument for model in candidates for argument in _arguments(model)} - {FUSION}
                raise UnknownNameError(f"argument of {' or '.join(candidates)}", argument, known)
        for model in self.models:
            self.own(model)  # refuses ranges of a wrong type


def _arguments(model: str) -> dict[str, Any]:
    """What a range may be of, with its type."""
    training = TRAINING if issubclass(model_class(model), Recommender) else ()
    own = {name: parameter.annotation for name, parameter in model_arguments(model).items()}
    return own | {name: get_type_hints(TrainOptions)[name] for name in training}


def _defaults(model: str) -> dict[str, Any]:
    options = TrainOptions()
    training = {name: getattr(options, name) for name in _arguments(model) if name in TRAINING}
    return {name: parameter.default for name, parameter in model_arguments(model).items()} | training


def _paper(model: str) -> dict[str, Any]:
    return {**_defaults(model), **model_class(model).paper_setting}


def _candidate(model: str, features: tuple[str, ...], options: Mapping[str, Any]) -> Candidate:
    training = {name: value for name, value in options.items() if name in TRAINING}
    own = {name: value for name, value in options.items() if name not in TRAINING}
    return Candidate(model, features, own, training)


def _condition(name: str, values: tuple[Any, ...] | AllBut) -> str:
    if isinstance(values, AllBut):
        return f"{name} is not {' or '.join(map(str, values.values))}"
    return f"{name} is {' or '.join(map(str, values))}"


def _one_of(trial: "Trial", name: str, values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else str(trial.suggest_categorical(name, values))


def _suggest(trial: "Trial", name: str, one: Range) -> Any:
    if isinstance(one, Choice):
        return one.values[0] if len(one.values) == 1 else trial.suggest_categorical(name, one.values)
    if isinstance(one, FloatRange):
        return trial.suggest_float(name, one.low, one.high, log=one.log)
    assert isinstance(one, IntegerRange)
    return trial.suggest_int(name, one.low, one.high, step=one.step, log=one.log)
