"""Features that encoders make while a recommender learns: values, gradients, memory."""

import copy
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from encoders import create_encoders
from encoders.base import Encoder
from encoders.image_preprocess import ImagePreprocess
from encoders.store import Catalog
from encoders.store.prepared import PreparedContents
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.models import create_model, list_models, model_class
from gnnrec.models.base import Batch
from gnnrec.training import TrainOptions
from gnnrec.training.encoder_blocks import encoder_blocks, last_parameters
from gnnrec.training.end_to_end import EndToEnd
from gnnrec.training.live_features import LiveFeatures
from gnnrec.training.live_options import LiveOptions
from gnnrec.training.loop import fit
from graphs import BipartiteGraph

ITEMS, USERS = 12, 8
MODELS = [name for name in list_models() if model_class(name).needs_features and hasattr(model_class(name), "loss")]
GRAPHS_ONLY = ("light-mgcn",)  # content decides who is whose neighbour, and nothing else


class SmallEncoder(Encoder):
    """Pictures of 8 x 8 pixels to 6 numbers, smoothly, so that finite differences are exact."""

    def __init__(self) -> None:
        super().__init__(name="small", modality="image", dim=6, preprocess=ImagePreprocess(size=8))
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.Tanh())
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(36, 6)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = self.head(self.norm(self.stem(batch)).flatten(1))
        return vectors


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Pictures of noise; item 3 has none."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    names: list[str | None] = []
    for item in range(ITEMS):
        Image.fromarray(random.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(folder / f"{item}.png")
        names.append(None if item == 3 else f"{item}.png")
    return Catalog(folder, list(range(ITEMS)), {"image": names})


def make_live(catalog: Catalog, **options: object) -> LiveFeatures:
    torch.manual_seed(1)
    encoder = SmallEncoder()
    contents = PreparedContents(catalog, "image", encoder.preprocess)
    live = LiveFeatures({"image": encoder}, {"image": contents}, LiveOptions(**options))
    return live.train()


@pytest.fixture
def graph() -> BipartiteGraph:
    random = torch.Generator().manual_seed(2)
    pairs = torch.stack(
        [
            torch.arange(USERS).repeat_interleave(3),
            torch.cat([torch.randperm(ITEMS, generator=random)[:3] for _ in range(USERS)]),
        ]
    )
    return BipartiteGraph(pairs, USERS, ITEMS)


def make_model(name: str) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name, num_users=USERS, num_items=ITEMS, feature_dims={"image": 6})


BATCH = Batch(torch.tensor([0, 1, 2, 5]), torch.tensor([1, 3, 5, 7]), torch.tensor([2, 4, 6, 8]))
EVERYTHING = Batch(torch.arange(6), torch.arange(6), torch.arange(6, 12))


@pytest.mark.parametrize("name", MODELS)
def test_with_all_items_touched_loss_and_gradient_are_those_of_encoding_everything(
    name: str, catalog: Catalog, graph: BipartiteGraph
) -> None:
    live = make_live(catalog)
    joint = EndToEnd(make_model(name), live).train()
    reference, encoder = copy.deepcopy(joint.model), copy.deepcopy(live.encoders[0]).eval()
    items = [item for item in range(ITEMS) if item != 3]
    samples, _ = live.contents[0].gather(items)
    x = torch.zeros(ITEMS, 6).index_copy(0, torch.tensor(items), encoder(samples))
    features = {"image": ItemFeatures(x=x, mask=live.contents[0].mask)}
    with torch.no_grad():
        detached = {"image": ItemFeatures(x=x.detach(), mask=live.contents[0].mask)}
    torch.manual_seed(7)
    reference.begin_epoch(graph, detached)
    wanted = reference.loss(graph, features, EVERYTHING)
    torch.manual_seed(7)
    joint.begin_epoch(graph, {})
    found = joint.loss(graph, {}, EVERYTHING)
    assert found.keys() == wanted.keys()
    for term in wanted:
        torch.testing.assert_close(found[term], wanted[term], rtol=1e-5, atol=1e-6)
    sum(wanted.values()).backward()
    sum(found.values()).backward()
    gradients = [parameter.grad for parameter in encoder.parameters()]
    if name in GRAPHS_ONLY:
        assert gradients == [None] * len(gradients)
        assert all(parameter.grad is None for parameter in live.encoders[0].parameters())
        with pytest.raises(ArgumentError, match=f"'{name}' uses 'image' in a way that has no gradient"):
            joint.require_gradient(name, graph, {}, EVERYTHING)
        return
    for gradient, parameter in zip(gradients, live.encoders[0].parameters(), strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)
        assert float(gradient.abs().max()) > 1e-9
    before = copy.deepcopy(joint.state_dict())
    joint.require_gradient(name, graph, {}, EVERYTHING)
    assert all(torch.equal(before[key], value) for key, value in joint.state_dict().items())


def test_the_gradient_of_an_encoder_weight_equals_finite_differences(catalog: Catalog, graph: BipartiteGraph) -> None:
    live = make_live(catalog)
    joint = EndToEnd(make_model("vbpr"), live).double().train()
    joint.begin_epoch(graph, {})
    weight, kept = live.encoders[0].stem[0].weight, live.memory_0.clone()
    sum(joint.loss(graph, {}, BATCH).values()).backward()
    for place in ((0, 0, 0, 0), (2, 1, 1, 2), (3, 2, 2, 2)):
        values = []
        for step in (1e-6, -1e-6):
            live.memory_0.copy_(kept)
            with torch.no_grad():
                weight[place] += step
                values.append(float(sum(joint.loss(graph, {}, BATCH).values())))
                weight[place] -= step
        assert float(weight.grad[place]) == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("name", ["lattice", "mmgcn", "slmrec", "mmgcl"])
def test_going_along_the_gradient_changes_the_loss_by_its_length(
    name: str, catalog: Catalog, graph: BipartiteGraph
) -> None:
    """Their products are float32 alone, so a longer way is gone and less is asked for."""
    live = make_live(catalog)
    joint = EndToEnd(make_model(name), live).train()
    joint.begin_epoch(graph, {})
    weight, kept = live.encoders[0].head.weight, live.memory_0.clone()

    def loss() -> torch.Tensor:
        live.memory_0.copy_(kept)
        torch.manual_seed(3)
        return sum(joint.loss(graph, {}, BATCH).values())

    loss().backward()
    direction, values = weight.grad / weight.grad.norm(), []
    for step in (0.01, -0.01):
        with torch.no_grad():
            weight += step * direction
            values.append(float(loss()))
            weight -= step * direction
    assert (values[0] - values[1]) / 0.02 == pytest.approx(float(weight.grad.norm()), rel=0.05)


def test_only_touched_items_pass_gradients_and_the_memory_takes_them_over(catalog: Catalog) -> None:
    live = make_live(catalog)
    before = live.current()["image"].x.clone()
    live.begin_epoch()
    with torch.no_grad():
        live.encoders[0].head.bias += 1.0
    features = live.touch(torch.tensor([1, 3, 5]))["image"]
    changed = (features.x != before).any(dim=1).nonzero().flatten().tolist()
    assert changed == [1, 5]  # item 3 has no picture
    torch.testing.assert_close(features.x[[1, 5]], before[[1, 5]] + 1)
    features.x.sum().backward()
    assert float(live.encoders[0].head.bias.grad[0]) == 2.0
    torch.testing.assert_close(live.memory_0[[1, 5]], before[[1, 5]] + 1)
    assert torch.equal(live.memory_0[[0, 2]], before[[0, 2]])


def test_the_cap_limits_what_a_step_encodes(catalog: Catalog) -> None:
    live = make_live(catalog, max_items=3)
    live.current()
    live.begin_epoch()
    seen = []
    encode = live.encode
    live.encode = lambda name, items: (seen.append(items), encode(name, items))[1]
    for _ in range(40):
        live.touch(torch.arange(ITEMS))
    assert all(len(items) <= 3 for items in seen)
    assert {item for items in seen for item in items} == set(range(ITEMS)) - {3}


@pytest.mark.parametrize(("every", "refreshed"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (3, [3])])
def test_everything_is_encoded_anew_after_every_so_many_epochs(
    catalog: Catalog, every: int, refreshed: list[int]
) -> None:
    live = make_live(catalog, refresh_every=every)
    live.current()
    epochs = []
    refresh = live.refresh
    live.refresh = lambda: (epochs.append(int(live.epoch)), refresh())[1]
    for _ in range(4):
        live.begin_epoch()
        live.touch(torch.tensor([1]))
        live.current()
        live.current()  # nothing has changed: no second time
    assert epochs == refreshed


def test_during_the_warm_up_encoders_stay_as_they_are(catalog: Catalog, graph: BipartiteGraph) -> None:
    live = make_live(catalog, warm_up_epochs=2, learning_rate=0.01)
    joint = EndToEnd(make_model("vbpr"), live)
    before = copy.deepcopy(live.encoders[0].state_dict())
    epochs = []

    def validate(model: nn.Module) -> dict[str, float]:
        model.embeddings(graph, {})
        same = all(torch.equal(before[name], tensor) for name, tensor in live.encoders[0].state_dict().items())
        epochs.append(same)
        return {"recall@20": float(len(epochs))}

    fit(joint, graph, {}, TrainOptions(max_epochs=4, batch_size=8, device="cpu"), validate=validate)
    assert epochs == [True, True, False, False]


def test_blocks_are_frozen_from_the_input_on(catalog: Catalog) -> None:
    encoder = SmallEncoder()
    assert encoder_blocks(encoder) == ["stem.0", "norm", "head"]
    assert list(last_parameters(encoder, 2)) == ["norm.weight", "norm.bias", "head.weight", "head.bias"]
    assert len(last_parameters(encoder, None)) == 6
    live = make_live(catalog, unfreeze_blocks=1)
    assert [name for name, one in live.encoders[0].named_parameters() if one.requires_grad] == [
        "head.weight",
        "head.bias",
    ]


@pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning")
def test_encoders_that_share_a_model_learn_each_its_own_part() -> None:
    built = create_encoders("audioclip-tiny", ["image", "audio"])
    blocks = {name: encoder_blocks(encoder) for name, encoder in built.items()}
    assert blocks["image"][0] == "model.visual.conv1" and blocks["image"][-1] == "model.visual.attnpool.c_proj"
    assert blocks["audio"][-1] == "model.audio.fc"
    assert not set(blocks["image"]) & set(blocks["audio"])


def test_checkpointing_and_small_chunks_change_nothing_but_memory(catalog: Catalog) -> None:
    gradients = []
    for options in ({}, {"checkpoint": True, "chunk_samples": 2}):
        live = make_live(catalog, **options)
        live.current()
        live.begin_epoch()
        live.touch(torch.tensor([0, 1, 2, 4, 5]))["image"].x.square().sum().backward()
        gradients.append(live.encoders[0].stem[0].weight.grad)
    torch.testing.assert_close(*gradients)
    kept, again = make_live(catalog).bytes_per_item(), make_live(catalog, checkpoint=True).bytes_per_item()
    assert again < kept
    assert 0 <= again - 3 * 8 * 8 * 4 < 64  # the picture itself, and a few numbers to average by


def test_augmentation_and_batch_statistics_are_for_learning_alone(catalog: Catalog) -> None:
    plain = make_live(catalog).current()["image"].x
    live = make_live(catalog, augment=True, batch_statistics=True)
    torch.testing.assert_close(live.current()["image"].x, plain)
    live.begin_epoch()
    torch.manual_seed(0)
    seen = live.touch(torch.arange(ITEMS))["image"].x
    assert not torch.allclose(seen, plain, atol=1e-3)
    assert float(live.encoders[0].norm.num_batches_tracked) == 1.0
    counted = []
    live.encoders[0].register_forward_hook(
        lambda encoder, given, output: counted.append((len(output), encoder.training))
    )
    live.encode("image", [0])
    small = make_live(catalog, batch_statistics=True, chunk_samples=5)
    small.encoders[0].register_forward_hook(
        lambda encoder, given, output: counted.append((len(output), encoder.training))
    )
    small.encode("image", [0, 1, 2, 4, 5, 6])
    assert counted == [(1, False), (3, True), (3, True)]  # one sample has no statistics, and no chunk is a small rest
    pictures = make_live(catalog, augment=True)
    pictures.current()
    pictures.begin_epoch()
    changed = (pictures.touch(torch.arange(ITEMS))["image"].x - plain).abs().amax(dim=1) > 1e-4
    assert 0 < int(changed.sum()) < ITEMS - 1  # each is mirrored with probability one half


def test_encoders_have_their_own_learning_rate_and_weight_decay(catalog: Catalog, graph: BipartiteGraph) -> None:
    live = make_live(catalog, learning_rate=1e-5, weight_decay=0.5)
    model = make_model("vbpr")
    first, second = EndToEnd(model, live).parameter_groups()
    assert "lr" not in first and (second["lr"], second["weight_decay"]) == (1e-5, 0.5)
    assert len(first["params"]) == len(list(model.parameters()))
    assert {id(one) for one in second["params"]} == {id(one) for one in live.encoders[0].parameters()}


def test_a_run_that_goes_on_remembers_what_it_had_encoded(catalog: Catalog, graph: BipartiteGraph) -> None:
    options = TrainOptions(max_epochs=4, batch_size=8, device="cpu", patience=9)

    def validate(model: nn.Module) -> dict[str, float]:
        return {"recall@20": float(model.embeddings(graph, {}).item.sum())}

    def run(resume: dict | None, epochs: int) -> dict:
        torch.manual_seed(5)
        joint = EndToEnd(make_model("vbpr"), make_live(catalog, learning_rate=0.01, refresh_every=3, max_items=4))
        state = fit(
            joint,
            graph,
            {},
            TrainOptions(**{**options.__dict__, "max_epochs": epochs}),
            validate=validate,
            resume=resume,
        )
        return copy.deepcopy(state.to_dict())

    whole = run(None, 4)
    # The last parameters, not the best: what a checkpoint after epoch 2 holds.
    torch.manual_seed(5)
    joint = EndToEnd(make_model("vbpr"), make_live(catalog, learning_rate=0.01, refresh_every=3, max_items=4))
    saved: dict = {}

    class Keep:
        def __getattr__(self, name: str):  # every hook but on_epoch
            return lambda *arguments: None

        def on_epoch(self, state, record):
            if state.epoch == 2:
                saved.update(copy.deepcopy(state.to_dict()))

    fit(joint, graph, {}, options, validate=validate, callbacks=[Keep()])
    resumed = run(saved, 4)
    strip = ("seconds", "train_seconds")
    curves = [
        [{k: v for k, v in record.items() if k not in strip} for record in end["history"]] for end in (whole, resumed)
    ]
    assert curves[0] == curves[1]


def test_after_training_a_changed_picture_changes_the_score(catalog: Catalog, graph: BipartiteGraph) -> None:
    live = make_live(catalog, learning_rate=0.01)
    joint = EndToEnd(make_model("vbpr"), live)
    fit(joint, graph, {}, TrainOptions(max_epochs=2, batch_size=8, device="cpu"))
    users, items = joint.embeddings(graph, {})
    live.contents[0]._kept[5] = torch.ones_like(live.contents[0]._kept[5])
    live.refresh()
    _, again = joint.embeddings(graph, {})
    scores, changed = users @ items.T, users @ again.T
    assert (scores[:, 5] != changed[:, 5]).all()


def test_contents_beyond_the_memory_are_read_again(catalog: Catalog) -> None:
    encoder = SmallEncoder()
    whole = PreparedContents(catalog, "image", encoder.preprocess)
    bare = PreparedContents(catalog, "image", encoder.preprocess, cache_gigabytes=2 * 3 * 64 * 4 / 2**30)
    assert (whole.num_kept, bare.num_kept) == (11, 2)
    for one, other in zip(whole.gather([0, 9, 11]), bare.gather([0, 9, 11]), strict=True):
        assert torch.equal(one, other)
    assert whole.mask.tolist() == [item != 3 for item in range(ITEMS)]
    assert whole.content_hash == bare.content_hash


def test_a_changed_content_has_another_hash(catalog: Catalog, tmp_path: Path) -> None:
    changed = Catalog(shutil.copytree(catalog.root, tmp_path / "copy"), catalog.item_ids, catalog.contents)
    before = PreparedContents(changed, "image", SmallEncoder().preprocess).content_hash
    assert before == PreparedContents(catalog, "image", SmallEncoder().preprocess).content_hash
    Image.new("RGB", (8, 8), "red").save(changed.root / "5.png")
    assert PreparedContents(changed, "image", SmallEncoder().preprocess).content_hash != before


def test_wrong_use_is_refused_by_name(catalog: Catalog) -> None:
    encoder = SmallEncoder()
    contents = PreparedContents(catalog, "image", encoder.preprocess)
    with pytest.raises(ArgumentError, match="must be of the same features"):
        LiveFeatures({"a": encoder}, {"b": contents}, LiveOptions())
    for name, value in {
        "learning_rate": 0.0,
        "weight_decay": -1.0,
        "warm_up_epochs": -1,
        "unfreeze_blocks": 0,
        "refresh_every": 0,
        "max_items": 0,
        "chunk_samples": 0,
        "precision": "fp16",
    }.items():
        with pytest.raises(ArgumentError, match=f"'{name}' must be"):
            LiveOptions(**{name: value})
