import pytest

from gnnrec.cli.settings import parse_list_lengths, parse_model_settings, parse_names
from gnnrec.errors import ArgumentError, UnknownNameError


def test_values_are_read_by_the_constructor_s_types() -> None:
    assert parse_model_settings("lightgcn", ["num_layers=2", "regularization=1e-3"]) == {
        "num_layers": 2,
        "regularization": 0.001,
    }
    assert parse_model_settings("content-knn", ["center=False", 'weights={"text": 2}']) == {
        "center": False,
        "weights": {"text": 2},
    }
    assert parse_model_settings("content-knn", ["weights=none"]) == {"weights": None}


@pytest.mark.parametrize(
    ("model", "setting", "message"),
    [
        ("lightgcn", "num_layers", "takes key=value"),
        ("lightgcn", "num_layers=2.5", r"'num_layers' must be int \(got '2.5'\)"),
        ("lightgcn", "regularization=much", "'regularization' must be float"),
        ("content-knn", "center=maybe", "'center' must be true or false"),
        ("content-knn", "weights=[1]", "'weights' must be a JSON object"),
        ("content-knn", "weights=text", "'weights' must be a JSON object"),
    ],
)
def test_wrong_values_are_refused(model: str, setting: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        parse_model_settings(model, [setting])


def test_unknown_arguments_name_what_is_near() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'num_layers'"):
        parse_model_settings("lightgcn", ["layers=3"])


def test_lists() -> None:
    assert parse_list_lengths("5,10") == (5, 10) and parse_names("a, b,") == ["a", "b"] and parse_names(None) is None
    with pytest.raises(ArgumentError, match="'ks' must be integers"):
        parse_list_lengths("5,ten")
