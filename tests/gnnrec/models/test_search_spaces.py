"""What every model says of its hyper-parameters: ranges for a search and the paper's values."""

import math
import random
from typing import Any

import pytest
import torch

from gnnrec.data import ItemFeatures
from gnnrec.models import (
    AllBut,
    Batch,
    Choice,
    IntegerRange,
    Range,
    Recommender,
    create_model,
    list_models,
    model_arguments,
    model_class,
)
from gnnrec.nn import list_fusions
from gnnrec.training import TrainOptions
from graphs import BipartiteGraph

FEATURE_DIMS = {"image": 6, "text": 4}
DATA = {"num_users": 7, "num_items": 9, "feature_dims": FEATURE_DIMS}
DRAWS = 5
every_model = pytest.mark.parametrize("name", list_models())


def space_of(name: str) -> dict[str, Range]:
    return dict(model_class(name).search_space)


def defaults_of(name: str) -> dict[str, Any]:
    own = {key: parameter.default for key, parameter in model_arguments(name).items()}
    options = TrainOptions()
    return own | {key: getattr(options, key) for key in training_of(name)}


def training_of(name: str) -> tuple[str, ...]:
    return ("learning_rate", "batch_size") if issubclass(model_class(name), Recommender) else ()


def lowest(one: Range) -> Any:
    return one.values[0] if isinstance(one, Choice) else one.low


def highest(one: Range) -> Any:
    return one.values[-1] if isinstance(one, Choice) else one.high


def draw(one: Range, generator: random.Random) -> Any:
    if isinstance(one, Choice):
        return generator.choice(one.values)
    if isinstance(one, IntegerRange):
        return generator.randrange(one.low, one.high + 1, one.step)
    if one.log:
        return min(max(math.exp(generator.uniform(math.log(one.low), math.log(one.high))), one.low), one.high)
    return generator.uniform(one.low, one.high)


def points_of(name: str) -> list[dict[str, Any]]:
    """The corners of a model's space and some points within."""
    space, generator = space_of(name), random.Random(name)
    corners = [{key: end(one) for key, one in space.items()} for end in (lowest, highest)]
    return [*corners, *({key: draw(one, generator) for key, one in space.items()} for _ in range(DRAWS))]


def values_of(name: str, argument: str) -> tuple[Any, ...]:
    """All that a search may give an argument on which others depend."""
    if argument == "fusion":
        return tuple(dict.fromkeys([model_arguments(name)["fusion"].default, *list_fusions()]))
    one = space_of(name)[argument]
    assert isinstance(one, Choice), "a condition names single values"
    return one.values


CONDITIONAL = [(name, key) for name in list_models() for key, one in space_of(name).items() if one.when]


def loss_of(name: str, arguments: dict[str, Any]) -> float:
    """A model's first loss on random data whose items have more neighbours than any range asks for."""
    num_users, num_items = 20, 40
    torch.manual_seed(0)
    everywhere = torch.ones(num_items, dtype=torch.bool)
    features = {key: ItemFeatures(torch.randn(num_items, dim), everywhere) for key, dim in FEATURE_DIMS.items()}
    edges = (torch.rand(num_users, num_items) < 0.2).nonzero()
    graph = BipartiteGraph(edges.T.contiguous(), num_users, num_items)
    batch = Batch(edges[:30, 0], edges[:30, 1], torch.randint(num_items, (30,)))
    model = create_model(name, num_users=num_users, num_items=num_items, feature_dims=FEATURE_DIMS, **arguments)
    assert isinstance(model, Recommender)
    torch.manual_seed(1)
    return torch.stack(list(model.loss(graph, features, batch).values())).sum().item()


@every_model
def test_a_space_names_what_the_model_and_its_training_have(name: str) -> None:
    data_or_tuner = {*DATA, "fusion", "embedding_dim"}
    assert set(space_of(name)) <= {*model_arguments(name), *training_of(name)} - data_or_tuner


@every_model
def test_every_model_with_something_to_choose_declares_it(name: str) -> None:
    assert bool(space_of(name)) == (name != "popularity")
    assert ("learning_rate" in space_of(name)) == issubclass(model_class(name), Recommender)


@every_model
def test_ranges_hold_the_defaults_and_their_own_ends(name: str) -> None:
    defaults = defaults_of(name)
    for key, one in space_of(name).items():
        assert defaults[key] in one, key
        assert lowest(one) in one and highest(one) in one, key


@every_model
def test_ranges_hold_the_papers_values_where_these_are_not_the_defaults(name: str) -> None:
    space, defaults = space_of(name), defaults_of(name)
    for key, value in model_class(name).paper_setting.items():
        assert value in space[key], key
        assert value != defaults[key], key


@every_model
def test_every_point_makes_a_model(name: str) -> None:
    for point in points_of(name):
        training = {key: point.pop(key) for key in training_of(name) if key in point}
        TrainOptions(**training)
        model = create_model(name, **DATA, **point)
        assert {key: getattr(model, key) for key in point} == point
        assert not isinstance(model, Recommender) or math.isfinite(loss_of(name, point))


@every_model
def test_the_papers_setting_makes_a_model(name: str) -> None:
    setting = {key: value for key, value in model_class(name).paper_setting.items() if key not in training_of(name)}
    create_model(name, **DATA, **setting)


@every_model
def test_conditions_can_be_met_and_missed(name: str) -> None:
    space = space_of(name)
    for key, one in space.items():
        for other, values in one.when.items():
            assert other != key and other in model_arguments(name), key
            met = [value in values for value in values_of(name, other)]
            assert any(met) and not all(met), key
            assert isinstance(values, AllBut) or set(values) < set(values_of(name, other)), key


@pytest.mark.parametrize(("name", "key"), CONDITIONAL)
def test_an_argument_matters_where_its_condition_is_met_and_nowhere_else(name: str, key: str) -> None:
    one = space_of(name)[key]
    for other, met in one.when.items():
        for value in values_of(name, other):
            losses = [loss_of(name, {other: value, key: end(one)}) for end in (lowest, highest)]
            assert (losses[0] != losses[1]) == (value in met), f"{other}={value}"


@every_model
def test_conditions_do_not_go_round_in_a_circle(name: str) -> None:
    left = space_of(name)
    while left:
        ready = [key for key, one in left.items() if not any(other in left for other in one.when)]
        assert ready, f"circle among {', '.join(left)}"
        for key in ready:
            del left[key]


def test_spaces_are_small() -> None:
    unconditional = {name: [key for key, one in space_of(name).items() if not one.when] for name in list_models()}
    assert {name: keys for name, keys in unconditional.items() if len(keys) > 7} == {}


def test_the_drawn_points_lie_in_the_space() -> None:
    for name in list_models():
        for point in points_of(name):
            assert [key for key, value in point.items() if value not in space_of(name)[key]] == []
