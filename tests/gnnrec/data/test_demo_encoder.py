import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from encoders import create_encoder
from gnnrec.cli.main import app
from gnnrec.data import read_dataset
from gnnrec.data.content_catalog import content_catalog
from gnnrec.data.demo_catalog import write_demo_catalog
from gnnrec.data.demo_encoder import fit_demo_encoder
from gnnrec.data.encoding import encode_items

pytestmark = pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")


def test_the_fitted_encoder_is_kept_and_used(tmp_path: Path) -> None:
    made = write_demo_catalog(tmp_path / "catalog", num_users=20, num_items=80)
    weights = tmp_path / "tiny.safetensors"
    catalog = content_catalog(read_dataset(tmp_path / "catalog"))
    losses: list[float] = []
    items = fit_demo_encoder(catalog, weights, epochs=3, on_epoch=lambda epoch, loss: losses.append(loss))
    complete = [row for row in zip(*(catalog.contents[name] for name in made.missing), strict=True) if None not in row]
    assert items == len(complete) > 40
    assert losses[-1] < losses[0]
    reports = encode_items(tmp_path / "catalog", "audioclip-tiny", weights=weights)
    assert {name: report.covered for name, report in reports.items()} == {
        name: 80 - missing for name, missing in made.missing.items()
    }
    dataset = read_dataset(tmp_path / "catalog")
    place = next(item for item, text in enumerate(catalog.contents["text"]) if text is not None)
    encoder = create_encoder("audioclip-tiny", "text", weights=weights)
    expected = encoder.encode([catalog.contents["text"][place]])[0]
    torch.testing.assert_close(dataset.features["audioclip-tiny.text"].x[place], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--folder", str(tmp_path / "demo"), "--json"])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert min(figures["neighbours_of_the_same_world"].values()) > 0.4  # 0.13 by chance
    content, without = (figures["models"][name]["test"] for name in ("vbpr", "lightgcn"))
    assert content["recall@20"] > without["recall@20"]
    assert content["by_item_count"][0]["recall@20"] > 0.1 > without["by_item_count"][0]["recall@20"]
