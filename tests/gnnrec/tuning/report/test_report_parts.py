"""Importance, landscapes, names and axes."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from gnnrec.tuning.report.category_names import wrapped
from gnnrec.tuning.report.importance import Importance
from gnnrec.tuning.report.landscape import landscapes
from gnnrec.tuning.report.number_text import mean_text, p_text, seconds_text, share_text
from gnnrec.tuning.report.scales import is_logarithmic, log_ticks

SETS = ("all-MiniLM-L6-v2+whisper", "whisper")
DISTRIBUTIONS = {
    "model": CategoricalDistribution(("vbpr", "lattice")),
    "features": CategoricalDistribution(SETS),
    "lattice.learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    "lattice.num_layers": IntDistribution(1, 4),
    "lattice.raw_weight": FloatDistribution(0, 1),
}


def trials(parameters: list[str], number: int = 30, *, seed: int = 0) -> tuple[FrozenTrial, ...]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed), direction="maximize")
    for _ in range(number):
        trial = study.ask({name: DISTRIBUTIONS[name] for name in parameters})
        study.tell(trial, trial.number / number)
    return tuple(study.get_trials())


def importance(parameters: list[str], *, number: int = 30, model: str = "") -> Importance:
    return Importance("of all", trials(parameters, number), tuple(parameters), {}, model=model)


def test_two_categories_are_cells_of_best_values() -> None:
    one = importance(["model", "features"])
    (found,) = landscapes([one])
    assert found.kind == "cells" and found.title == "Best value by model and features"
    assert found.y is not None and found.y.label == "features"  # the longer names stand at the side
    best, counts = found.cells()
    assert counts.sum() == 30
    for y, features in enumerate(found.y.categories):
        for x, model in enumerate(found.x.categories):
            own = [t.values[0] for t in one.trials if t.params == {"model": model, "features": features}]
            assert best[y, x] == max(own) and counts[y, x] == len(own)


def test_a_category_and_a_number_are_strips() -> None:
    (found,) = landscapes([importance(["features", "lattice.learning_rate"], model="lattice")])
    assert found.kind == "strips" and found.x.label == "learning_rate" and found.x.logarithmic
    assert found.title == "Value by features and learning_rate of lattice"


def test_two_numbers_are_a_surface_that_goes_through_the_trials() -> None:
    (found,) = landscapes([importance(["lattice.learning_rate", "lattice.raw_weight"], model="lattice")])
    surface = found.surface()
    assert found.kind == "surface" and surface is not None
    assert np.nanmin(surface) >= min(found.values) and np.nanmax(surface) <= max(found.values)
    assert np.isfinite(surface).mean() > 0.5


def test_few_integers_are_categories_in_order() -> None:
    (found,) = landscapes([importance(["lattice.learning_rate", "lattice.num_layers"], model="lattice")])
    assert found.kind == "strips" and found.y is not None
    assert found.y.categories == ("1", "2", "3", "4")


def test_numbers_on_a_line_are_no_surface() -> None:
    study = optuna.create_study()
    for value in (1, 2, 3, 4):
        distributions = {"a": FloatDistribution(0, 10), "b": FloatDistribution(0, 10)}
        study.add_trial(
            optuna.create_trial(params={"a": value, "b": 2 * value}, distributions=distributions, value=1.0 * value)
        )
    (found,) = landscapes([Importance("of all", tuple(study.get_trials()), ("a", "b"), {})])
    assert found.kind == "surface" and found.surface() is None


def test_one_parameter_is_a_slice() -> None:
    (found,) = landscapes([importance(["lattice.num_layers"], model="lattice")])
    assert found.kind == "slice" and found.y is None


def test_what_one_landscape_shows_the_next_does_not() -> None:
    shared = importance(["model", "features"])
    own = importance(["features", "lattice.learning_rate", "lattice.num_layers"], model="lattice")
    assert [one.parameters for one in landscapes([shared, own])] == [
        {"model", "features"},
        {"lattice.learning_rate", "lattice.num_layers"},
    ]


def test_nothing_that_varies_has_no_landscape() -> None:
    assert landscapes([Importance("of all", trials(["model"]), (), {}, "No parameter varies.")]) == []


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("whisper", ["whisper"]),
        ("all-MiniLM-L6-v2+whisper+image", ["all-MiniLM-L6-v2+", "whisper+image"]),
        ("open_clip/ViT-B-32/laion2b_s34b", ["open_clip/ViT-B-32/", "laion2b_s34b"]),
        ("x" * 45, ["x" * 20, "x" * 20, "x" * 5]),
        ("", [""]),
    ],
)
def test_long_names_are_broken(name: str, lines: list[str]) -> None:
    assert wrapped(name) == lines
    assert "".join(wrapped(name)) == name


def test_ticks_lie_within_the_values() -> None:
    assert log_ticks([0.0003, 0.01]) == [0.0005, 0.001, 0.002, 0.005, 0.01]
    assert log_ticks([1e-5, 1.0]) == [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0]
    assert log_ticks([0.003, 0.003]) == [0.003]


def test_memory_of_nothing_has_no_logarithm() -> None:
    assert not is_logarithmic([0.0, 100.0])
    assert not is_logarithmic([40.0, 60.0])
    assert is_logarithmic([1.0, 60.0])


def test_numbers_in_words() -> None:
    assert mean_text(0.35367, 0.00464) == "0.3537 ± 0.0046"
    assert mean_text(0.35367, None) == "0.3537"
    assert seconds_text(43.64) == "43.6 s"
    assert seconds_text(1234.5) == "1,234 s (20.6 min)"
    assert seconds_text(10_000) == "10,000 s (2.8 h)"
    assert (p_text(0.0312), p_text(1.8e-26)) == ("0.031", "< 0.0001")
    assert (share_text(0.456), share_text(0.004), share_text(0.0)) == ("46%", "< 1%", "0%")
