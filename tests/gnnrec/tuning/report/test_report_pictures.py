"""The pictures."""

import shutil
import struct
from pathlib import Path

import matplotlib
import pytest
from small_studies import NAME

from gnnrec.tuning.report import write_report
from gnnrec.tuning.study_reader import StudyReader

SIGNATURE = b"\x89PNG\r\n\x1a\n"
OF_ONE = {"report_history.png", "report_importance.png", "report_contour.png"}


def size(path: Path) -> tuple[int, int]:
    content = path.read_bytes()
    assert content.startswith(SIGNATURE)
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def shades(path: Path) -> int:
    """Number of colours, which an empty picture has few of."""
    image = pytest.importorskip("PIL.Image").open(path).convert("RGB")
    return len(image.getcolors(maxcolors=1 << 20))


def settings() -> dict[str, object]:
    """Matplotlib's settings; to ask it for the backend would choose one."""
    return {name: dict.__getitem__(matplotlib.rcParams, name) for name in matplotlib.rcParams}


def test_pictures_are_drawn(finished: Path) -> None:
    assert {path.name for path in finished.glob("*.png")} == OF_ONE
    for path in finished.glob("*.png"):
        width, height = size(path)
        assert width == 1152 and 200 < height < 4000
        assert path.stat().st_size < 400_000
        assert shades(path) > 50


def test_a_pareto_front_is_drawn_for_several_objectives(with_costs: Path) -> None:
    assert {path.name for path in with_costs.glob("*.png")} == OF_ONE | {"report_pareto.png"}
    assert size(with_costs / "report_pareto.png") == (1152, 633)


def test_a_picture_of_an_older_report_goes(finished: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / NAME))
    (folder / "report_pareto.png").write_bytes(b"of another study")
    written = write_report(StudyReader(NAME, folder=tmp_path))
    assert {path.name for path in written} == OF_ONE | {"report.html"}
    assert not (folder / "report_pareto.png").exists()


def test_the_style_and_the_backend_of_the_caller_stay(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / NAME)
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        before = settings()
        write_report(StudyReader(NAME, folder=tmp_path))
        assert settings() == before
    # And the picture does not take the caller's style.
    assert (tmp_path / NAME / "report_history.png").read_bytes() == (finished / "report_history.png").read_bytes()
