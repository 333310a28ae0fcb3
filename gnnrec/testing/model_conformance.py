"""What every registered model must do."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import torch

from gnnrec.data import Dataset, ItemFeatures
from gnnrec.errors import ArgumentError, UnknownNameError
from gnnrec.evaluation import EvalOptions, evaluate, rank_items
from gnnrec.models import Batch, EmbeddingScorer, Recommender, model_class
from gnnrec.models.history_scorer import HistoryScorer, gather_histories
from gnnrec.models.item_based_scorer import ItemBasedScorer
from gnnrec.serving import Predictor, load
from gnnrec.testing.datasets import checkerboard_dataset, missing_features, planted_dataset
from gnnrec.testing.module_conformance import ModuleConformance
from gnnrec.training import TrainOptions, TripleSampler, fit
from gnnrec.training.experiment import run_experiment
from gnnrec.training.run_folder import RunFolder
from graphs import BipartiteGraph

__all__ = ["ModelConformance"]


class ModelConformance(ModuleConformance):
    """Tests of one registered model; pytest collects the subclasses whose name starts with ``Test``."""

    options: ClassVar[TrainOptions] = TrainOptions(
        learning_rate=0.02, batch_size=256, max_epochs=60, metric="recall@1", device="cpu"
    )
    """How to train on these small data."""
    personalized: ClassVar[bool] = True
    """Whether users get different lists at all."""

    def trained(self, dataset: Dataset, seed: int = 0, *, select: bool = False) -> EmbeddingScorer | HistoryScorer:
        """A scorer after training on the data; with ``select``, of the epoch with the best validation Recall@20."""
        model, graph = self.make(dataset, seed), BipartiteGraph.from_interactions(dataset.train)
        if isinstance(model, HistoryScorer):
            return model.fit(graph, dataset.features)
        quick = EvalOptions(ks=(20,), beyond_accuracy=False)

        def validate(current: Recommender) -> dict[str, float]:
            scorer = EmbeddingScorer(current.embeddings(graph, dataset.features))
            return evaluate(scorer, graph, BipartiteGraph.from_interactions(dataset.valid), quick).metrics

        options = replace(self.options, metric="recall@20", evaluate_every=2) if select else self.options
        fit(model, graph, dataset.features, options, validate=validate if select else None)
        return EmbeddingScorer(model.embeddings(graph, dataset.features))

    def run(self, dataset: Dataset, folder: Path, max_epochs: int | None = None) -> Predictor:
        """A predictor loaded from the run folder of a whole experiment."""
        run_experiment(
            self.model,
            dataset,
            folder,
            model_options=self.arguments,
            options=replace(self.options, max_epochs=max_epochs or self.options.max_epochs),
            evaluation=EvalOptions(ks=(1, 20)),
        )
        return load(folder)

    def test_checkerboard(self, tmp_path: Path) -> None:
        """The only unseen item of a user's colour comes first, for every user: precision@1 is 1."""
        if not self.personalized:
            return
        dataset = checkerboard_dataset()
        predictor = self.run(dataset, tmp_path / "run")
        # Serving leaves out what is held out, too; evaluation does not.
        lists = rank_items(predictor.scorer, torch.arange(40), 1, seen=predictor.graph).items
        assert lists.flatten().tolist() == list(range(40))
        served = predictor.recommend(dataset.users.ids(range(40)), k=1)
        assert all(answer.items[0].item_id != f"item-{number}" for number, answer in enumerate(served))

    def test_one_user_equals_batch(self) -> None:
        """A user's scores do not depend on who else is asked for."""
        scorer = self.trained(checkerboard_dataset())
        together = scorer.score(torch.arange(40))
        alone = torch.cat([scorer.score(torch.tensor([user])) for user in range(40)])
        torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-6)

    def test_scores_are_fresh(self) -> None:
        """A caller may overwrite the scores without harm to the model."""
        scorer = self.trained(checkerboard_dataset())
        first = scorer.score(torch.arange(5))
        kept = first.clone()
        first.fill_(-torch.inf)
        torch.testing.assert_close(scorer.score(torch.arange(5)), kept)

    def test_save_and_load(self, tmp_path: Path) -> None:
        """A loaded run scores as the model does that its parameters make."""
        dataset = checkerboard_dataset()
        predictor = self.run(dataset, tmp_path / "run")
        model, graph = self.make(dataset, seed=1), BipartiteGraph.from_interactions(dataset.train)
        model.load_state_dict(RunFolder(tmp_path / "run").read_tensors("model.safetensors"))
        scorer: EmbeddingScorer | HistoryScorer
        if isinstance(model, HistoryScorer):
            scorer = model.attach(graph)
        else:
            scorer = EmbeddingScorer(model.embeddings(graph, dataset.features))
        users = torch.arange(40)
        torch.testing.assert_close(predictor.scorer.score(users), scorer.score(users))
        if isinstance(model, HistoryScorer):  # nothing is selected, so training again gives the same
            torch.testing.assert_close(predictor.scorer.score(users), self.trained(dataset).score(users))

    def test_new_items_follow_their_content_as_declared(self) -> None:
        """Two items that nobody has taken exchange their contents: their scores change where the model says so."""
        dataset = planted_dataset(num_users=60, num_items=80)
        train = dataset.train.select(dataset.train.item > 1)
        graph = BipartiteGraph.from_interactions(train)
        model = self.make(replace(dataset, train=train))
        if isinstance(model, HistoryScorer):
            return
        fit(model, graph, dataset.features, replace(self.options, max_epochs=3))
        order = torch.arange(dataset.num_items)
        order[:2] = order[:2].flip(0)
        exchanged = {name: replace(one, x=one.x[order], mask=one.mask[order]) for name, one in dataset.features.items()}
        users, before = model.embeddings(graph, dataset.features)
        after = model.embeddings(graph, exchanged)
        same = torch.allclose(users @ before[:2].T, after.user @ after.item[:2].T, rtol=1e-4, atol=1e-6)
        assert same != model.scores_new_items

    def test_refit_forgets(self) -> None:
        """Training anew after other data gives what training once gives."""
        dataset = checkerboard_dataset()
        graph = BipartiteGraph.from_interactions(dataset.train)
        other = BipartiteGraph(graph.edge_index[:, ::2], graph.num_users, graph.num_items)
        scores = []
        for earlier in ([], [other]):
            model = self.make(dataset)
            for data in [*earlier, graph]:
                if isinstance(model, HistoryScorer):
                    model.fit(data, dataset.features)
                else:
                    torch.manual_seed(0)
                    model.reset_parameters()
                    fit(model, data, dataset.features, self.options)
            scorer = (
                model
                if isinstance(model, HistoryScorer)
                else EmbeddingScorer(model.embeddings(graph, dataset.features))
            )
            scores.append(scorer.score(torch.arange(40)))
        torch.testing.assert_close(scores[1], scores[0])

    def test_seed(self) -> None:
        """The same seed gives the same scores; another gives others, where there is chance at all."""
        dataset = checkerboard_dataset()
        first, same, other = (self.trained(dataset, seed).score(torch.arange(40)) for seed in (0, 0, 1))
        assert torch.equal(first, same)
        if issubclass(model_class(self.model), Recommender):
            assert not torch.equal(first, other)

    def test_unknown_and_empty_users(self, tmp_path: Path) -> None:
        """Users without history get popular items or an error, as asked for; lists never exceed what exists."""
        dataset = checkerboard_dataset(empty_users=2)
        predictor = self.run(dataset, tmp_path / "run")
        known, empty, unknown = predictor.recommend(["user-0", "user-41", "nobody"], k=1000)
        assert len(known.items) == 40 - 19 - 1 and len(empty.items) == len(unknown.items) == 40
        assert (known.source, empty.source, unknown.source) == ("model", "popular", "popular")
        for bad in (
            lambda: predictor.recommend(["nobody"], unknown="error"),
            lambda: predictor.similar_items(["nothing"]),
        ):
            try:
                bad()
            except UnknownNameError as error:
                assert "Available" in str(error)
            else:
                raise AssertionError("an unknown id must be refused")

    def test_fold_in(self, tmp_path: Path) -> None:
        """A new user who gives even items is recommended even items."""
        if not self.personalized:
            return
        predictor = self.run(checkerboard_dataset(), tmp_path / "run")
        history = [f"item-{number}" for number in range(0, 30, 2)]
        answer = predictor.recommend(["new"], k=5, histories={"new": history})[0]
        assert answer.source == "history"
        assert {item.item_id for item in answer.items} == {f"item-{number}" for number in range(30, 40, 2)}

    def test_empty_history_is_finite(self) -> None:
        """Users without training interactions get finite scores."""
        dataset = checkerboard_dataset(empty_users=1)
        assert bool(torch.isfinite(self.trained(dataset).score(torch.tensor([40]))).all())

    def test_gradients_reach_every_parameter(self) -> None:
        """No parameter is left out of training."""
        dataset = checkerboard_dataset()
        model, graph = self.make(dataset), BipartiteGraph.from_interactions(dataset.train)
        if isinstance(model, HistoryScorer):
            assert not list(model.parameters())
            return
        batch = TripleSampler(graph).epoch(torch.Generator().manual_seed(0))
        model.begin_epoch(graph, dataset.features)
        torch.stack(list(model.loss(graph, dataset.features, batch).values())).sum().backward()  # type: ignore[no-untyped-call]
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None and bool(parameter.grad.ne(0).any()), f"no gradient reaches {name}"

    def test_an_epoch_is_prepared_for_its_graph_and_features(self) -> None:
        """What ``begin_epoch`` prepared for some data never serves other data, evaluation or loaded parameters."""
        dataset, other = checkerboard_dataset(), checkerboard_dataset()
        model, graph = self.make(dataset), BipartiteGraph.from_interactions(dataset.train)
        if isinstance(model, HistoryScorer):
            return
        half = BipartiteGraph(graph.edge_index[:, ::2], graph.num_users, graph.num_items)
        features = {name: ItemFeatures(x.x.roll(1, 0), x.mask) for name, x in other.features.items()}
        batch = Batch(*(column[:64] for column in TripleSampler(graph).epoch(torch.Generator().manual_seed(0))))

        def terms(model: Recommender, prepared: bool) -> list[float]:
            if prepared:
                model.begin_epoch(graph, dataset.features)
                model.loss(graph, dataset.features, batch)
            torch.manual_seed(0)
            return [float(value.detach()) for value in model.loss(half, features, batch).values()]

        fresh = self.make(dataset)
        fresh.load_state_dict(model.state_dict())
        assert isinstance(fresh, Recommender)
        assert terms(model, True) == terms(fresh, False)

    def test_missing_modality_is_named(self) -> None:
        """Features without a modality that the model was made for are refused by name."""
        dataset = checkerboard_dataset()
        model, graph = self.make(dataset), BipartiteGraph.from_interactions(dataset.train)
        if isinstance(model, HistoryScorer) or not model.needs_features:
            return
        batch = Batch(*(column[:8] for column in TripleSampler(graph).epoch(torch.Generator().manual_seed(0))))
        try:
            model.loss(graph, {"other": dataset.features["parity"]}, batch)
        except ArgumentError as error:
            assert "'parity'" in str(error) and "other" in str(error)
        else:
            raise AssertionError("features without the modality must be refused")

    def test_histories_equal_users(self) -> None:
        """For models of item similarity, a known user and a new one with the same history score alike."""
        scorer = self.trained(checkerboard_dataset())
        if isinstance(scorer, ItemBasedScorer) and scorer.graph is not None:
            users = torch.arange(40)
            histories = gather_histories(scorer.graph, users)
            torch.testing.assert_close(scorer.score_histories(histories), scorer.score(users))

    def test_item_parts_add_up(self) -> None:
        """The named terms of the item vectors add up to them, with any parameters."""
        dataset = missing_features(planted_dataset(num_users=40, num_items=60), 0.3)
        model, graph = self.make(dataset), BipartiteGraph.from_interactions(dataset.train)
        if isinstance(model, HistoryScorer):
            return
        model.eval()
        with torch.no_grad():
            for parameter in model.parameters():  # a bias that starts at zero must not hide
                parameter.add_(0.1 * torch.randn(parameter.shape))
            parts, item = model.item_parts(graph, dataset.features), model(graph, dataset.features).item
        if parts is not None:
            assert set(parts) - {"interactions"} == set(dataset.features), "each modality must have a term"
            torch.testing.assert_close(torch.stack(list(parts.values())).sum(0), item, rtol=1e-5, atol=1e-5)
        usage = model.modality_usage(graph, dataset.features)
        assert (usage is None) == (parts is None)
        if usage is not None:
            total = torch.stack(list(usage.values())).sum(0)
            torch.testing.assert_close(total[item.any(1)], torch.ones_like(total[item.any(1)]))

    def test_explanation(self, tmp_path: Path) -> None:
        """Known users and given histories are explained by what was taken and by shares, or a note says why not."""
        dataset = checkerboard_dataset()
        predictor, model = self.run(dataset, tmp_path / "run", max_epochs=3), self.make(dataset)
        graph, given = BipartiteGraph.from_interactions(dataset.train), ["item-1", "item-5", "item-9", "item-13"]
        parts = None if isinstance(model, HistoryScorer) else model.eval().item_parts(graph, dataset.features)
        known, new, unknown = predictor.recommend(
            ["user-0", "new", "nobody"], k=5, histories={"new": given}, explain=True
        )
        for answer, taken in ((known, {f"item-{number}" for number in range(2, 40, 2)}), (new, set(given))):
            for item in answer.items:
                explanation = item.explanation
                assert explanation is not None and len(explanation.history) <= 3
                assert {other.item_id for other in explanation.history} <= taken, "history that the user did not take"
                similarity = [other.similarity for other in explanation.history]
                assert similarity == sorted(similarity, reverse=True) and all(value > 0 for value in similarity)
                assert similarity or explanation.note, "a note must say why there is no history"
                assert parts is None or set(parts) == set(explanation.contributions or {})
                if explanation.contributions is None or explanation.modality_shares is None:
                    assert explanation.note, "a note must say why there are no shares"
                else:
                    assert abs(sum(explanation.contributions.values()) - item.score) < 1e-4
                    assert abs(sum(explanation.modality_shares.values()) - 1) < 1e-6
        for item in unknown.items:
            assert item.explanation is not None and item.explanation.note and not item.explanation.history

    def test_repr(self) -> None:
        """The model names itself and its sizes."""
        assert repr(self.make(checkerboard_dataset())).startswith(model_class(self.model).__name__)
