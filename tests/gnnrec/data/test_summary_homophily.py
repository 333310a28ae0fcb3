"""Whether tastes follow content, as ``gnnrec data info`` tells it."""

import json
from dataclasses import asdict, replace

import pytest
import torch
from typer.testing import CliRunner

from gnnrec.cli.data import app
from gnnrec.data import ItemFeatures
from gnnrec.data.summary import summarize
from gnnrec.data.writing import write_dataset
from gnnrec.testing.datasets import planted_dataset
from graphs import BipartiteGraph, summary


@pytest.fixture(scope="module")
def dataset():
    planted = planted_dataset(num_users=200, num_items=150)
    single = ItemFeatures(torch.ones(150, 2), torch.arange(150) == 3)
    return replace(planted, features={**planted.features, "single": single})


def test_figures_are_those_of_the_train_graph(dataset):
    found = summarize(dataset, homophily=True)["homophily"]
    graph = BipartiteGraph.from_interactions(dataset.train)
    told = summary(graph, {name: (values.x, values.mask) for name, values in dataset.features.items()})
    assert list(found) == ["planted", "noise", "single"]
    for name, figures in found.items():
        assert figures["one_user"] == asdict(told.homophily[name])
        assert figures["neighbors"] == asdict(told.neighbor_homophily[name])
    assert found["planted"]["neighbors"]["lift"] > 2
    assert found["noise"]["neighbors"]["lift"] == pytest.approx(1, abs=0.25)
    assert "homophily" not in summarize(dataset)


def test_info_shows_them(dataset, tmp_path):
    folder = write_dataset(dataset, tmp_path / "planted")
    found = CliRunner().invoke(app, ["info", str(folder), "--json"])
    assert found.exit_code == 0, found.output
    figures = json.loads(found.stdout)["homophily"]["planted"]["neighbors"]
    assert figures == summarize(dataset, homophily=True)["homophily"]["planted"]["neighbors"]
    table = CliRunner().invoke(app, ["info", str(folder)]).output
    assert "how alike items are by their users, mean cosine" in table
    assert f"{figures['lift']:.4f}" in table
    converted = CliRunner().invoke(app, ["convert", str(folder), str(tmp_path / "copy")])
    assert "how alike" not in converted.output
