"""What a study searches."""

import optuna
import pytest

from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.models import Choice, FloatRange, IntegerRange, Range, list_models, model_class
from gnnrec.tuning import Candidate, StudySpace, parse_feature_sets

SETS = (("image",), ("image", "text"))


def suggest(space: StudySpace, **parameters: object) -> tuple[Candidate, dict[str, object]]:
    """The candidate of a trial whose parameters are fixed as far as given; and all its parameters."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial({name.replace("__", "."): value for name, value in parameters.items()})
    trial = study.ask()
    return space.suggest(trial), trial.params


def test_model_without_content_has_neither_fusion_nor_features() -> None:
    space = StudySpace(("lattice", "lightgcn"), ("concat", "graph"), SETS)
    candidate, parameters = suggest(space, model="lightgcn")
    assert not candidate.features and "fusion" not in candidate.arguments
    assert set(parameters) == {"model", *(f"lightgcn.{name}" for name in model_class("lightgcn").search_space)}
    candidate, parameters = suggest(space, model="lattice", fusion="concat", features="image+text")
    assert candidate.features == ("image", "text") and candidate.arguments["fusion"] == "concat"
    assert set(candidate.training) == {"learning_rate"} and "learning_rate" not in candidate.arguments


def test_conditional_ranges() -> None:
    space = StudySpace(("vbpr",), ("concat", "graph"), SETS[:1])
    assert "num_neighbors" not in suggest(space, fusion="concat")[0].arguments
    assert "num_neighbors" in suggest(space, fusion="graph")[0].arguments
    lattice = StudySpace(("lattice",), (), SETS[:1])
    assert "projection_dim" not in suggest(lattice, lattice__raw_weight=1.0)[0].arguments
    candidate, _ = suggest(lattice, lattice__raw_weight=0.5)
    assert "projection_dim" in candidate.arguments and "fusion" not in candidate.arguments


def test_default_fusion_is_left_to_the_model() -> None:
    space = StudySpace(("mmgcn", "lattice"), ("default", "attention"), SETS[:1])
    assert "fusion" not in suggest(space, model="mmgcn", fusion="default")[0].arguments
    assert suggest(space, model="mmgcn", fusion="attention")[0].arguments["fusion"] == "attention"


def test_what_has_one_value_is_no_parameter() -> None:
    space = StudySpace(("lightgcn",), (), (), {"num_layers": Choice((2,)), "lightgcn.learning_rate": Choice((0.01,))})
    candidate, parameters = suggest(space)
    assert candidate.arguments["num_layers"] == 2 and candidate.training["learning_rate"] == 0.01
    assert set(parameters) == {"lightgcn.regularization", "lightgcn.init_std"}


def test_ranges_replace_a_models_own() -> None:
    space = StudySpace(
        ("lattice", "lightgcn"),
        feature_sets=SETS,
        ranges={"num_layers": IntegerRange(5, 6), "lattice.embedding_dim": Choice((8, 16))},
    )
    assert space.own("lattice")["num_layers"] == space.own("lightgcn")["num_layers"] == IntegerRange(5, 6)
    assert "embedding_dim" in space.own("lattice") and "embedding_dim" not in space.own("lightgcn")


def test_ranges_take_the_type_of_their_argument() -> None:
    space = StudySpace(
        ("mmgcl", "slmrec"),
        feature_sets=SETS,
        ranges={
            "mmgcl.edge_dropout": IntegerRange(0, 1),
            "mmgcl.num_layers": FloatRange(1.0, 3.0),
            "regularization": Choice((0, 0.1)),
            "slmrec.task": Choice((None, "fd")),
            "slmrec.ssl_weight": IntegerRange(1, 100, log=True),
        },
    )
    assert space.own("mmgcl")["edge_dropout"] == FloatRange(0.0, 1.0)
    assert space.own("mmgcl")["num_layers"] == IntegerRange(1, 3)
    assert space.own("mmgcl")["regularization"] == Choice((0.0, 0.1))
    assert space.own("slmrec")["task"] == Choice(("none", "fd"))
    assert space.own("slmrec")["ssl_weight"] == FloatRange(1.0, 100.0, log=True)


@pytest.mark.parametrize(
    ("name", "one", "message"),
    [
        ("num_layers", FloatRange(1.5, 3.0), r"'num_layers' must be an integer, so must the ends of its range"),
        ("num_layers", Choice((2, 2.5)), r"'num_layers' must be int \(got 2.5\)"),
        ("regularization", Choice(("abc",)), r"'regularization' must be float \(got 'abc'\)"),
        ("learning_rate", IntegerRange(0, 10, step=5), r"'learning_rate' is a real number; a range of it has no step"),
        ("slmrec.task", IntegerRange(1, 2), r"'slmrec.task' is no number"),
        ("slmrec.task", Choice(("fx",)), r"unknown value of 'slmrec.task' 'fx'"),
    ],
)
def test_ranges_of_another_type_are_refused(name: str, one: Range, message: str) -> None:
    with pytest.raises((ArgumentError, UnknownNameError), match=message):
        StudySpace(("slmrec",), feature_sets=SETS, ranges={name: one})


def test_a_models_own_range_counts_more_than_one_for_all() -> None:
    ranges = {"lattice.num_layers": Choice((4,)), "num_layers": IntegerRange(1, 2)}
    space = StudySpace(("lattice", "lightgcn"), feature_sets=SETS, ranges=ranges)
    assert space.own("lattice")["num_layers"] == Choice((4,))
    assert space.own("lightgcn")["num_layers"] == IntegerRange(1, 2)


def test_conditions_hold_for_other_values_than_the_models_own() -> None:
    space = StudySpace(("lattice",), (), SETS[:1], {"raw_weight": Choice((0.6, 1.0))})
    assert "projection_dim" in suggest(space, lattice__raw_weight=0.6)[0].arguments
    assert "projection_dim" not in suggest(space, lattice__raw_weight=1.0)[0].arguments
    row = next(row for row in space.describe() if row[0] == "lattice.projection_dim")
    assert row[2] == "raw_weight is not 1.0"


@pytest.mark.parametrize("model", [name for name in list_models() if model_class(name).search_space])
def test_paper_comes_first_and_defaults_second(model: str) -> None:
    space = StudySpace((model,), (), SETS if model_class(model).needs_features else ())
    planned = space.planned()
    paper = model_class(model).paper_setting
    assert {f"{model}.{name}": value for name, value in paper.items()}.items() <= planned[0].items()
    assert len(planned) == (2 if paper else 1)
    if model_class(model).needs_features:
        assert all(point["features"] == "image+text" for point in planned)


def test_plan_of_several_models_and_of_a_narrow_space() -> None:
    space = StudySpace(("lattice", "mmgcn"), ("concat", "graph"), SETS, {"num_layers": IntegerRange(4, 5)})
    planned = space.planned()
    assert [point["model"] for point in planned] == ["lattice", "mmgcn", "lattice", "mmgcn"]
    assert [point.get("fusion") for point in planned] == ["graph", None, "graph", None]  # mmgcn's own is the mean
    assert not any("lattice.num_layers" in point for point in planned), "outside the range: left to the sampler"


def test_combinations_are_spread_evenly() -> None:
    space = StudySpace(("lattice", "lightgcn"), ("concat", "graph"), SETS)
    points = space.spread(0)
    assert len(points) == 2 * 2 + 1 and {"model": "lightgcn"} in points
    assert {"model": "lattice", "fusion": "graph", "features": "image"} in points
    assert points == space.spread(0) != space.spread(1)
    assert sorted(map(str, points)) == sorted(map(str, space.spread(1)))


def test_wrong_names_and_ranges() -> None:
    with pytest.raises(UnknownNameError, match="unknown model 'latice'; did you mean 'lattice'"):
        StudySpace(("latice",), (), SETS)
    with pytest.raises(UnknownNameError, match="unknown fusion 'atention'; did you mean 'attention'"):
        StudySpace(("lattice",), ("atention",), SETS)
    with pytest.raises(ArgumentError, match="'lattice' recommends from item features, and there are none"):
        StudySpace(("lattice",))
    with pytest.raises(ArgumentError, match="'models' must name each once"):
        StudySpace(("lattice", "lattice"), (), SETS)
    with pytest.raises(UnknownNameError, match="unknown argument of lattice 'num_layer'; did you mean 'num_layers'"):
        StudySpace(("lattice",), (), SETS, {"num_layer": IntegerRange(1, 2)})
    with pytest.raises(UnknownNameError, match="unknown model of a range 'mmgcn'"):
        StudySpace(("lattice",), (), SETS, {"mmgcn.num_layers": IntegerRange(1, 2)})
    with pytest.raises(ArgumentError, match=r"'low' must not be above 'high' \(got 0\.1 and 0\.01\)"):
        FloatRange(0.1, 0.01)


def test_feature_sets() -> None:
    available = ["clip.image", "clip.text", "whisper"]
    assert parse_feature_sets([], available) == [tuple(available)]
    assert parse_feature_sets(["clip", "whisper+clip.text"], available) == [
        ("clip.image", "clip.text"),
        ("clip.text", "whisper"),
    ]
    every = parse_feature_sets(["all", "whisper"], available)
    assert len(every) == len(set(every)) == 7 and every[0] == tuple(available)
    with pytest.raises(UnknownNameError, match="unknown features 'wisper'"):
        parse_feature_sets(["wisper"], available)
    with pytest.raises(ArgumentError, match="would be 63 combinations of 6 features"):
        parse_feature_sets(["all"], [f"f{number}" for number in range(6)])


def test_candidate_as_command() -> None:
    candidate = Candidate("lattice", ("a", "b"), {"fusion": "mean", "num_layers": 2}, {"learning_rate": 0.01})
    assert candidate.command("my data", ["--seed=1"]) == (
        "gnnrec train lattice 'my data' --features=a,b --fusion=mean --set num_layers=2 --learning-rate=0.01 --seed=1"
    )
    assert Candidate.from_dict(candidate.to_dict()) == candidate
    assert candidate.key != Candidate("lattice", ("a",), candidate.arguments, candidate.training).key
