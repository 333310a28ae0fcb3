"""The parts that stages are made of: losses, samples, batches, presets, first weights."""

import math

import numpy as np
import pytest
import torch

from encoders.audioclip import AudioCLIP, ESResNeXt
from encoders.audioclip.decay import undecayed_apart
from encoders.datasets import LabeledItem
from encoders.errors import ArgumentError, WeightsError
from encoders.training.order import evaluation_batches, split_by_class, training_batches
from encoders.training.stages import PRESETS, STAGES, StageSettings, find_stage, preset_options
from encoders.training.stages.drawn_samples import EVALUATION
from encoders.training.stages.initial_weights import initial_head, sample_rate_of
from encoders.training.stages.sound_samples import SoundSamples
from encoders.training.stages.standalone_task import classifier_loss


def test_the_loss_of_one_class_an_item_is_cross_entropy_by_weight():
    logits = np.array([[2.0, 0.0, -1.0], [0.5, 1.5, 0.0]])
    terms = [math.log(np.exp(logits[0]).sum()) - 2.0, math.log(np.exp(logits[1]).sum()) - 0.0]
    labels = torch.tensor([[True, False, False], [False, False, True]])
    given = torch.from_numpy(logits)
    assert float(classifier_loss(given, labels, multi_label=False)) == pytest.approx(sum(terms) / 2)
    weighted = classifier_loss(given, labels, multi_label=False, sample_weights=torch.tensor([3.0, 1.0]).double())
    assert float(weighted) == pytest.approx((3 * terms[0] + terms[1]) / 4)


def test_the_loss_of_several_classes_is_added_over_classes_and_averaged_over_items():
    logits = np.array([[2.0, -1.0], [0.0, 3.0]])
    labels = np.array([[1, 1], [0, 0]])
    sigmoid = 1 / (1 + np.exp(-logits))
    terms = -(labels * np.log(sigmoid) + (1 - labels) * np.log(1 - sigmoid)).sum(axis=1)
    loss = classifier_loss(torch.from_numpy(logits), torch.from_numpy(labels == 1), multi_label=True)
    assert float(loss) == pytest.approx(terms.mean())


def test_papers_values():
    """AudioCLIP, section 4.4, and SPEC 1.7 for the released protocols."""
    for name, stage in STAGES.items():
        options = preset_options(stage.preset)
        assert (options.optimizer, options.momentum, options.weight_decay, options.batch_size) == ("sgd", 0.9, 5e-4, 64)
        fine = name.startswith("finetune")
        assert (options.learning_rate, options.decay, options.epochs) == (
            (5e-5, 0.98, 50) if fine else (1e-4, 0.95, 30)
        )
    assert preset_options("released-esc50").decay == preset_options("released-urbansound8k").decay == 0.96
    assert preset_options("released-urbansound8k").learning_rate == 1e-5
    head = preset_options("esresnext-imagenet")
    assert (head.optimizer, head.learning_rate, head.batch_size, head.epochs) == ("adam", 2.5e-4, 16, 300)
    assert [head.rate_of_epoch(epoch) for epoch in (1, 5, 15, 16, 17)] == pytest.approx(
        [2.5e-5, 2.5e-5, 2.5e-4, 2.5e-4, 2.5e-4 * 0.985]
    )
    assert preset_options("finetune", epochs=3).epochs == 3


def test_unknown_names_are_refused_with_what_there_is():
    with pytest.raises(ArgumentError, match=r"'preset' must be one of audioset, .* \(got 'paper'\)"):
        preset_options("paper")
    with pytest.raises(ArgumentError, match=r"'stage' must be one of audio-pretrain, .* \(got 'jiont'\)"):
        find_stage("jiont")
    for name, value in (
        ("size", "huge"),
        ("channels", 3),
        ("seconds", 0.0),
        ("validation_share", 1.0),
        ("workers", -1),
    ):
        with pytest.raises(ArgumentError, match=f"'{name}' must be"):
            StageSettings("joint", **{name: value})
    assert set(PRESETS) >= {stage.preset for stage in STAGES.values()}


def test_scales_and_transform_are_not_decayed():
    model = AudioCLIP.from_preset("audioclip-tiny")
    decayed, free = undecayed_apart(model)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    assert {names[id(parameter)] for parameter in free["params"]} == {
        "audio.fbsp.m",
        "audio.fbsp.fb",
        "audio.fbsp.fc",
        "logit_scale",
        "logit_scale_ai",
        "logit_scale_at",
    }
    assert free["weight_decay"] == 0.0 and "weight_decay" not in decayed
    assert len(decayed["params"]) + 6 == sum(parameter.requires_grad for parameter in model.parameters())
    assert len(undecayed_apart(model.audio)[1]["params"]) == 3


def singles(items):
    return [str(place) for place in range(items)]


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_validation_takes_its_share_of_every_class(share):
    labels = torch.nn.functional.one_hot(torch.arange(120) % 3, 3).bool()
    train, valid = split_by_class(labels, share, recordings=singles(120), seed=4)
    assert sorted(train + valid) == list(range(120)) and not set(train) & set(valid)
    assert labels[valid].sum(dim=0).tolist() == [40 * share] * 3
    assert split_by_class(labels, share, recordings=singles(120), seed=4) == (train, valid)


def test_an_item_of_several_classes_is_held_back_for_its_rarest():
    labels = torch.zeros(40, 2, dtype=torch.bool)
    labels[:, 0] = True
    labels[:4, 1] = True
    _, valid = split_by_class(labels, 0.5, recordings=singles(40), seed=0)
    assert sum(place < 4 for place in valid) == 2


def test_clips_of_a_recording_stay_together():
    labels = torch.nn.functional.one_hot(torch.arange(120) % 2, 2).bool()
    recordings = [f"{place % 2}-{place // 6}" for place in range(120)]  # three clips each, forty recordings
    train, valid = split_by_class(labels, 0.25, recordings=recordings, seed=4)
    assert not {recordings[place] for place in train} & {recordings[place] for place in valid}
    assert labels[valid].sum(dim=0).tolist() == [15, 15]


def test_the_only_recording_of_a_class_is_trained_on():
    labels = torch.tensor([[True, False]] * 8 + [[False, True]] * 4)
    train, _ = split_by_class(labels, 0.25, recordings=[*singles(8), *["one"] * 4], seed=0)
    assert set(range(8, 12)) <= set(train)


def test_an_epoch_sees_each_item_once_and_drops_a_last_incomplete_batch():
    batches = training_batches(23, 5, epoch=1, seed=0)
    assert [len(batch) for batch in batches] == [5] * 4
    assert len({place for batch in batches for place in batch}) == 20
    assert batches == training_batches(23, 5, epoch=1, seed=0) != training_batches(23, 5, epoch=2, seed=0)
    assert evaluation_batches(5, 2) == [[0, 1], [2, 3], [4]]


def samples_of(collection, **changes):
    arguments = {"sample_rate": 16_000, "seconds": 0.5, "seed": 3} | changes
    return SoundSamples(collection.items, **arguments)


def test_samples_follow_from_seed_epoch_and_place_whoever_makes_them(tones):
    places = [[5, 2, 9], [1, 40, 3]]
    here = [batch.clone() for batch in samples_of(tones).batches(places, epoch=2)]
    cached = samples_of(tones)
    cached.decode()
    workers = list(cached.batches(places, epoch=2, workers=2))
    assert all(torch.equal(a, b) for a, b in zip(here, workers, strict=True))
    assert here[0].shape == (3, 1, 8000)
    other = next(iter(samples_of(tones).batches(places, epoch=3)))
    assert not torch.equal(here[0], other)
    assert not torch.equal(here[0], next(iter(samples_of(tones, seed=4).batches(places, epoch=2))))


def test_evaluation_and_unaugmented_training_see_sounds_as_they_are(tones):
    plain = samples_of(tones, augment=False)
    as_it_is = plain[EVALUATION, 7]
    assert torch.equal(plain[5, 7], as_it_is)
    assert torch.equal(samples_of(tones)[EVALUATION, 7], as_it_is)
    assert not torch.equal(samples_of(tones)[5, 7], as_it_is)


def test_memory_for_decoded_sounds_is_limited(tones):
    seen = []
    sounds = samples_of(tones, cache_gigabytes=40 * 8000 * 2 / 2**30)
    sounds.decode(lambda done, total: seen.append((done, total)))
    assert seen == [(32, 45), (45, 45)]  # all are looked at
    assert len(sounds._decoded) == 40
    assert torch.equal(sounds[EVALUATION, 44], samples_of(tones)[EVALUATION, 44])


def test_items_without_a_sound_are_refused(tones):
    with pytest.raises(ArgumentError, match="1 have none, such as mute"):
        SoundSamples([*tones.items, LabeledItem("mute")], sample_rate=16_000, seconds=0.5)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """A file as torchvision has it: ResNeXt-50 with a classifier of a thousand classes."""
    from torchvision.models import resnext50_32x4d

    torch.manual_seed(11)
    file = tmp_path_factory.mktemp("imagenet") / "resnext50_32x4d.pth"
    torch.save(resnext50_32x4d(weights=None).state_dict(), file)
    return file


def test_imagenet_gives_the_convolutions_and_opens_the_attention(imagenet):
    head = initial_head(StageSettings("audio-pretrain"), 527, weights=imagenet)
    given = torch.load(imagenet, weights_only=True)
    state = head.state_dict()
    taken = [name for name in given if not name.startswith("fc.")]
    assert all(torch.equal(given[name], state[name]) for name in taken)
    for number in range(1, 6):
        assert bool((state[f"att{number}.bn.weight"] == 1).all() and (state[f"att{number}.bn.bias"] == 1).all())
    assert state["fc.weight"].shape == (527, 2048)
    fresh = ESResNeXt(3)
    assert bool((fresh.att1.bn.bias == 0).all())


def test_imagenet_does_not_fit_another_size(imagenet):
    with pytest.raises(WeightsError, match=r"wrong shape: conv1.weight must be \(16, 3, 7, 7\)"):
        initial_head(StageSettings("audio-pretrain", size="audioclip-tiny"), 3, weights=imagenet)


def test_sample_rates_of_sizes():
    assert (sample_rate_of("audioclip"), sample_rate_of("audioclip-tiny")) == (44_100, 16_000)


def test_half_precision_does_not_reach_the_spectrogram():
    head = ESResNeXt(
        3, n_fft=512, hop_length=256, win_length=512, layers=(1, 1, 1, 1), base_channels=16, groups=8, width_per_group=8
    ).eval()
    sound = 8000 * torch.sin(torch.arange(8000) * 0.3)[None, None]
    exact, _ = head.spectrogram(sound)
    with torch.autocast("cpu", torch.bfloat16):
        rounded, _ = head.spectrogram(sound.to(torch.bfloat16).float())
        again, _ = head.spectrogram(sound)
    assert torch.equal(exact, again)
    assert not torch.equal(exact, rounded)
