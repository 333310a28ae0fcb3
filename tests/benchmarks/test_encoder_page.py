"""The page in a real browser: every plot and picture is drawn, nothing is asked for, nothing is complained about."""

import re
from pathlib import Path
from typing import Any

import pytest
from encoder_page import POLICY, to_html
from encoder_pictures import neighbour_sheets
from fabricated_encoder_runs import make_report, write_runs
from headless_browser import needs_browser, open_page

from gnnrec.data import read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog

LOOK = """<script>
addEventListener("load", () => {
  const drawn = (svg) => {
    const place = svg.getBoundingClientRect(), content = svg.getBBox();
    return place.width > 0 && place.height > 0 && Math.max(content.width, content.height) > 0;
  };
  const images = [...document.images], plots = [...document.querySelectorAll("svg")];
  const found = {
    images: images.length,
    brokenImages: images.filter((image) => !image.complete || image.naturalWidth === 0).map((image) => image.alt),
    plots: plots.length,
    emptyPlots: plots.filter((svg) => !drawn(svg)).map((svg) => svg.getAttribute("aria-label")),
    tooWide: document.documentElement.scrollWidth - innerWidth,
    styled: getComputedStyle(document.querySelector("main")).maxWidth,
  };
  const output = document.createElement("output");
  output.id = "look";
  output.textContent = JSON.stringify(found);
  document.body.append(output);
});
</script>"""
"""What only the copy of the page that a test opens has: it writes down what the browser made of the page."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    write_demo_catalog(folder / "demo", num_users=20, num_items=80)
    dataset = read_dataset(folder / "demo")
    report = make_report(write_runs(folder / "runs"))
    return to_html(report, neighbour_sheets(report, dataset, content_catalog(dataset)))


def look_at(page: str, folder: Path, width: int = 1280) -> tuple[dict[str, Any], list[str]]:
    """What the browser made of a page, and the lines of its console."""
    copy = page.replace(POLICY, f"{POLICY}; script-src 'unsafe-inline'").replace("<link ", f"{LOOK}<link ", 1)
    return open_page(copy, folder, width)


def test_the_page_names_nothing_outside_of_itself(page: str) -> None:
    sources = re.findall(r'(?:src|href|action|data|poster)="([^"]*)"', page)
    assert sources and all(source.startswith("data:") for source in sources)
    outside = {url for url in re.findall(r"\w+://[^\s\"'<>)]*", page)}
    assert outside <= {"http://www.w3.org/2000/svg"}  # the name of SVG, which nobody fetches
    assert "url(" not in page and "@import" not in page and "<script" not in page
    assert POLICY in page


def test_words_of_the_data_are_words_of_the_page(page: str) -> None:
    assert "Encoders on demo &lt;&amp;&gt; data" in page
    assert "demo <&> data" not in page


def test_pictures_are_small_and_titles_stand_in_for_missing_ones(page: str) -> None:
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]*)"', page)
    assert pictures and max(map(len, pictures)) < 12_000
    # Six examples, each with its own picture or title and five neighbours in each of three runs.
    assert len(pictures) + page.count('words-tile" title') == 6 * (1 + 3 * 5)


@needs_browser
@pytest.mark.parametrize("width", [1280, 390])
def test_a_browser_draws_everything_and_complains_of_nothing(page: str, tmp_path: Path, width: int) -> None:
    found, console = look_at(page, tmp_path, width)
    assert console == []
    assert found["brokenImages"] == [] and found["emptyPlots"] == []
    assert found["images"] == page.count("<img ") > 50
    assert found["plots"] == page.count("<svg ") > 20
    assert found["tooWide"] <= 0
    assert found["styled"] == "1240px"


def break_a_picture(page: str) -> str:
    return re.sub(r"(data:image/jpeg;base64,).{60}", r"\1" + "A" * 60, page, count=1)


def empty_a_plot(page: str) -> str:
    return re.sub(r'(<svg [^>]*aria-label="Gains of vbpr">).*?</svg>', r"\1</svg>", page, count=1, flags=re.DOTALL)


def ask_for_something(page: str) -> str:
    return page.replace("<footer>", '<img src="http://127.0.0.1:9/a.png" alt="outside"><footer>')


def widen_the_page(page: str) -> str:
    return page.replace("<footer>", '<div style="width: 3000px">wide</div><footer>')


@needs_browser
@pytest.mark.parametrize("damage", [break_a_picture, empty_a_plot, ask_for_something, widen_the_page])
def test_the_look_sees_what_is_wrong(page: str, tmp_path: Path, damage: Any) -> None:
    """Otherwise the test above would prove nothing."""
    damaged = damage(page)
    assert damaged != page
    found, console = look_at(damaged, tmp_path)
    wrong = {
        break_a_picture: len(found["brokenImages"]) == 1,
        empty_a_plot: found["emptyPlots"] == ["Gains of vbpr"],
        ask_for_something: found["brokenImages"] == ["outside"] and any("Content Security" in one for one in console),
        widen_the_page: found["tooWide"] > 1000,
    }
    assert wrong[damage], (found, console)
