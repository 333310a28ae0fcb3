"""The page in a real browser: every plot is drawn, nothing is asked for, nothing is complained about."""

import re
from html import escape
from pathlib import Path
from typing import Any

import pytest
from headless_browser import needs_browser, open_page

LOOK = """<script>
addEventListener("load", () => {
  const drawn = (plot) => {
    const marks = plot.querySelectorAll(".point, .trace path, .contourlayer path, .heatmaplayer image, .barlayer path");
    return [...marks].some((mark) => {
      const box = mark.getBoundingClientRect();
      return Math.max(box.width, box.height) > 0;
    });
  };
  const plots = [...document.querySelectorAll(".plot")];
  const outside = plots.filter((plot) => {
    const box = plot.getBoundingClientRect();
    return [...plot.querySelectorAll("text")].some((text) => {
      const place = text.getBoundingClientRect();
      return place.width > 0 && (place.left < box.left - 2 || place.right > box.right + 2);
    });
  });
  const found = {
    plots: plots.length,
    emptyPlots: plots.filter((plot) => !drawn(plot)).map((plot) => plot.getAttribute("aria-label")),
    cutPlots: outside.map((plot) => plot.getAttribute("aria-label")),
    flatPlots: plots.filter((plot) => plot.getBoundingClientRect().height < 120).length,
    tooWide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    styled: getComputedStyle(document.querySelector("main")).maxWidth,
    width: innerWidth,
  };
  const output = document.createElement("output");
  output.id = "look";
  output.textContent = JSON.stringify(found);
  top.document.body.append(output);
});
</script>"""
"""What only the copy of the page that a test opens has: it writes down what the browser made of the page."""


def look_at(page: str, folder: Path, *, phone: bool = False) -> tuple[dict[str, Any], list[str]]:
    copy = page.replace("<link ", f"{LOOK}<link ", 1)
    if phone:  # a window of Chromium is never narrower than 500
        copy = (
            f'<!doctype html><iframe style="width: 390px; height: 900px; border: 0" srcdoc="{escape(copy)}"></iframe>'
        )
    return open_page(copy, folder)


@pytest.fixture(scope="module")
def page(finished: Path) -> str:
    return (finished / "report.html").read_text(encoding="utf-8")


@needs_browser
@pytest.mark.parametrize("phone", [False, True])
def test_a_browser_draws_everything_and_complains_of_nothing(page: str, tmp_path: Path, phone: bool) -> None:
    found, console = look_at(page, tmp_path, phone=phone)
    assert console == []
    assert found["plots"] == page.count('class="plot"') > 5
    assert found["emptyPlots"] == [] and found["cutPlots"] == [] and found["flatPlots"] == 0
    assert found["tooWide"] <= 0
    assert found["styled"] == "1160px" and found["width"] == (390 if phone else 1280)


@needs_browser
def test_a_browser_draws_a_study_with_costs(with_costs: Path, tmp_path: Path) -> None:
    found, console = look_at((with_costs / "report.html").read_text(encoding="utf-8"), tmp_path, phone=True)
    assert console == [] and found["emptyPlots"] == [] and found["cutPlots"] == [] and found["tooWide"] <= 0


def empty_a_plot(page: str) -> str:
    return re.sub(r'"plot-0":\{"data":\[.*?\],"layout"', '"plot-0":{"data":[],"layout"', page, count=1)


def ask_for_something(page: str) -> str:
    return page.replace("<footer>", '<img src="http://127.0.0.1:9/a.png" alt="outside"><footer>')


def break_the_script(page: str) -> str:
    return page.replace("dark.addEventListener", "dark.nothing()", 1)


@needs_browser
@pytest.mark.parametrize("damage", [empty_a_plot, ask_for_something, break_the_script])
def test_the_look_sees_what_is_wrong(page: str, tmp_path: Path, damage: Any) -> None:
    """Otherwise the test above would prove nothing."""
    damaged = damage(page)
    assert damaged != page
    found, console = look_at(damaged, tmp_path)
    wrong = {
        empty_a_plot: found["emptyPlots"] == ["recall@20 by trial"],
        ask_for_something: any("Content Security" in line for line in console),
        break_the_script: bool(console) and len(found["emptyPlots"]) == found["plots"],
    }
    assert wrong[damage], (found, console)
