import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.errors import ArgumentError, MissingPackageError
from encoders.evaluation import draw_confusion_matrix


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, for a look at their texts."""
    figure = pytest.importorskip("matplotlib.figure")
    figures, save = [], figure.Figure.savefig

    def keep(self, *arguments, **options):
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(figure.Figure, "savefig", keep)
    return figures


@pytest.mark.parametrize("count", [1, 10, 50])
def test_names_do_not_overlap_and_lie_inside(count, drawn, tmp_path):
    names = [f"{'a rather long name' if place % 3 else 'class'} {place}" for place in range(count)]
    draw_confusion_matrix(torch.eye(count).long() * 7, names, tmp_path / "matrix.png", title="Ten thousand sounds")
    figure = drawn[0]
    axes = figure.axes[0]
    assert axes.get_title(loc="left") == "Ten thousand sounds"
    assert figure.axes[1].get_ylabel() == "Share of the true class"
    for labels, direction in ((axes.get_yticklabels(), "y"), (axes.get_xticklabels(), "x")):
        assert [label.get_text() for label in labels] == names
        boxes = [label.get_window_extent() for label in labels]
        if direction == "y" or count > 12:  # those of few classes are slanted, so that their boxes may overlap
            edges = sorted((getattr(box, f"{direction}0"), getattr(box, f"{direction}1")) for box in boxes)
            assert all(end <= start for (_, end), (start, _) in pairwise(edges))
        for box in boxes:
            assert box.x0 >= 0
            assert box.y0 >= 0
    with Image.open(tmp_path / "matrix.png") as picture:
        assert picture.format == "PNG"
        assert picture.info["dpi"] == pytest.approx((120, 120), abs=0.1)
        assert max(picture.size) < 2000
        assert np.asarray(picture.convert("L")).std() > 5


def test_colours_are_shares_of_the_row_and_numbers_are_counts(drawn, tmp_path):
    draw_confusion_matrix(torch.tensor([[3, 1], [0, 0]]), ["$a", "b_c"], tmp_path / "matrix.png")
    axes = drawn[0].axes[0]
    shares = np.ma.filled(axes.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(shares, [[0.75, 0.25], [np.nan, np.nan]])
    assert [text.get_text() for text in axes.texts] == ["4 items, 75.0% right", "3", "1", "0", "0"]


def test_many_classes_have_no_numbers(drawn, tmp_path):
    draw_confusion_matrix(torch.eye(13).long(), [str(place) for place in range(13)], tmp_path / "matrix.png")
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["13 items, 100.0% right"]


@pytest.mark.parametrize(
    ("matrix", "names"), [(torch.eye(2), ["a"]), (-torch.eye(2), ["a", "b"]), (torch.zeros(0, 0), [])]
)
def test_bad_matrices_are_named(matrix, names, tmp_path):
    with pytest.raises(ArgumentError, match="'matrix' must hold counts"):
        draw_confusion_matrix(matrix, names, tmp_path / "matrix.png")


def test_matplotlib_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingPackageError, match=r"needs 'matplotlib'.*gnnrec\[plot\]"):
        draw_confusion_matrix(torch.eye(2), ["a", "b"], tmp_path / "matrix.png")
