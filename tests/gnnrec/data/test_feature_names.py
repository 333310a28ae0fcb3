import pytest

from gnnrec.data.feature_names import expand_feature_names
from gnnrec.errors import UnknownNameError

AVAILABLE = ["clip.image", "clip.text", "clip-vit.image", "whisper", "v1.5", "v1.5.audio"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], []),
        (["whisper"], ["whisper"]),
        (["clip"], ["clip.image", "clip.text"]),
        (["whisper", "clip"], ["whisper", "clip.image", "clip.text"]),
        (["clip.text", "clip"], ["clip.text", "clip.image"]),
        (["clip", "clip"], ["clip.image", "clip.text"]),
        (["clip-vit"], ["clip-vit.image"]),
        (["v1.5"], ["v1.5"]),  # a name of its own comes before those it could stand for
    ],
)
def test_names_and_encoders(names: list[str], expected: list[str]) -> None:
    assert expand_feature_names(names, AVAILABLE) == expected


@pytest.mark.parametrize("name", ["cli", "image", "clip.", ".image", "", "v1"])
def test_parts_of_names_stand_for_nothing(name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown features '{name}'"):
        expand_feature_names([name], AVAILABLE)


def test_near_names_are_offered() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'whisper'"):
        expand_feature_names(["clip", "wisper"], AVAILABLE)


def test_without_any_features() -> None:
    with pytest.raises(UnknownNameError, match="Available: none"):
        expand_feature_names(["clip"], [])
