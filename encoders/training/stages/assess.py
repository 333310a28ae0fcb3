"""What a trained AudioCLIP, or its audio head alone, is worth on a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from encoders.audioclip import AudioCLIP, ESResNeXt
from encoders.datasets import LabeledCollection, LabeledItem
from encoders.errors import ArgumentError
from encoders.evaluation import confusion_matrix, label_set_ids, querying, zero_shot
from encoders.image_preprocess import ImagePreprocess
from encoders.training.order import evaluation_batches
from encoders.training.stages.drawn_samples import EVALUATION
from encoders.training.stages.frame_samples import FrameSamples, unreadable_frames
from encoders.training.stages.initial_weights import sample_rate_of
from encoders.training.stages.settings import StageSettings
from encoders.training.stages.sound_rows import sound_rows
from encoders.training.stages.sound_samples import SoundSamples
from encoders.training.stages.stage_data import sound_seconds, tell_problems
from encoders.training.stages.stage_model import StageModel
from encoders.training.stages.standalone_task import classification_figures, single_class

__all__ = ["Assessment", "assess"]

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Assessment:
    """Figures of a model.

    Args:
        figures: Values by name, by task: ``"classification"``, ``"zero-shot audio"``, ``"querying text to audio"`` ...
        confusion: Rows are true classes, columns predicted ones; of the classification by sounds, where each item has
            one class. Shape: (classes, classes), int64.
    """

    figures: dict[str, dict[str, float]]
    confusion: Tensor | None


@torch.no_grad()
def assess(
    trained: StageModel,
    collection: LabeledCollection,
    items: Sequence[LabeledItem],
    settings: StageSettings,
    *,
    template: str = "{}",
    batch_size: int = 32,
    device: str = "cpu",
    on_encoded: Progress | None = None,
) -> Assessment:
    """Measure a model on items as they are, without augmentation.

    A classifier gives accuracy, or mean average precision for several classes an item. All three heads are measured as
    in AudioCLIP's paper, section 4.5: classification by the nearest of the classes' names, from sounds, central frames
    and both together, and querying from each modality to each other one.

    Args:
        trained: The model.
        collection: The data set.
        items: Those of its items to measure on.
        settings: How sounds are prepared; ``seconds``, ``channels`` and ``rescale`` count.
        template: Text around the classes' names, such as ``"the sound of {}"``.
        batch_size: Items a pass.
        device: Where to compute.
        on_encoded: Called with the modality, the number of encoded items and of all.

    Raises:
        ArgumentError: If the model's classes are not those of the data set, or no item has what it takes.
    """
    if "{}" not in template:
        raise ArgumentError(f"'template' must contain {{}} for the names of the classes (got {template!r})")
    model = trained.model.to(device).eval()
    tell: Progress = on_encoded or (lambda modality, done, total: None)
    heard = [item for item in items if item.audio is not None]
    samples = None
    if heard:
        samples = _samples(heard, collection, settings, trained.size)
        tell_problems(samples.decode())
        heard = samples.items
    if isinstance(model, ESResNeXt):
        if trained.classes != collection.classes:
            raise ArgumentError(
                f"the model tells {', '.join(trained.classes)} apart; '{collection.name}' has "
                f"{', '.join(collection.classes)}"
            )
        if not heard or samples is None:
            raise ArgumentError(f"no item of '{collection.name}' has a sound that can be read")
        return _classification(_sound_rows(model, samples, batch_size, tell), collection, heard)
    vectors: dict[str, tuple[list[LabeledItem], Tensor]] = {}
    if heard and samples is not None:
        vectors["audio"] = heard, _sound_rows(model.audio, samples, batch_size, tell)
    seen = [item for item in items if item.images]
    unreadable = unreadable_frames(seen)
    tell_problems(unreadable)
    seen = [item for item in seen if item.name not in unreadable]
    if seen:
        vectors["image"] = seen, _image_rows(model, seen, batch_size, device, tell)
    if not vectors:
        raise ArgumentError(f"no item of '{collection.name}' has a sound or a picture that can be read")
    figures, confusion = _zero_shot_figures(model, vectors, collection, template)
    return Assessment({**figures, **_querying_figures(model, vectors, collection, template)}, confusion)


def _samples(
    items: Sequence[LabeledItem], collection: LabeledCollection, settings: StageSettings, size: str
) -> SoundSamples:
    return SoundSamples(
        items,
        sample_rate=sample_rate_of(size),
        seconds=sound_seconds(collection, settings),
        channels=settings.channels,
        rescale=settings.rescale,
        cache_gigabytes=settings.cache_gigabytes,
    )


def _sound_rows(head: ESResNeXt, samples: SoundSamples, batch_size: int, tell: Progress) -> Tensor:
    return sound_rows(head, samples, batch_size=batch_size, on_rows=lambda done, total: tell("audio", done, total))


def _image_rows(model: AudioCLIP, items: Sequence[LabeledItem], batch_size: int, device: str, tell: Progress) -> Tensor:
    frames = FrameSamples(items, preprocess=ImagePreprocess(size=model.image_resolution))
    rows: list[Tensor] = []
    places = evaluation_batches(len(frames), batch_size)
    for batch, pixels in zip(places, frames.batches(places, epoch=EVALUATION), strict=True):
        rows.append(model.encode_image(pixels.to(device)).float().cpu())
        tell("image", batch[-1] + 1, len(frames))
    return torch.cat(rows)


def _classification(scores: Tensor, collection: LabeledCollection, items: Sequence[LabeledItem]) -> Assessment:
    labels = collection.label_matrix(items)
    figures = classification_figures(scores, labels, multi_label=collection.multi_label)
    return Assessment({"classification": figures}, _confusion(scores, labels, collection))


def _confusion(scores: Tensor, labels: Tensor, collection: LabeledCollection) -> Tensor | None:
    if collection.multi_label:
        return None
    return confusion_matrix(scores.argmax(dim=1), single_class(labels), len(collection.classes))


def _zero_shot_figures(
    model: AudioCLIP,
    vectors: dict[str, tuple[list[LabeledItem], Tensor]],
    collection: LabeledCollection,
    template: str,
) -> tuple[dict[str, dict[str, float]], Tensor | None]:
    prompts = _text_rows(model, [template.format(name) for name in collection.classes])
    scales = {"audio": _factor(model.logit_scale_at), "image": _factor(model.logit_scale)}
    groups = {name: (rows, {name: found}) for name, (rows, found) in vectors.items()}
    if len(vectors) > 1:
        (heard, sounds), (seen, pictures) = vectors["audio"], vectors["image"]
        place = {item.name: number for number, item in enumerate(seen)}
        both = [number for number, item in enumerate(heard) if item.name in place]
        if both:
            items = [heard[number] for number in both]
            matching = pictures[[place[item.name] for item in items]]
            groups["audio and image"] = items, {"audio": sounds[both], "image": matching}
    figures: dict[str, dict[str, float]] = {}
    confusion = None
    for name, (items, given) in groups.items():
        labels = collection.label_matrix(items)
        targets = labels if collection.multi_label else single_class(labels)
        result = zero_shot(given, prompts, targets, scales=scales)
        figures[f"zero-shot {name}"] = {result.metric: result.value}
        if name == "audio":
            confusion = _confusion(result.probabilities, labels, collection)
    return figures, confusion


def _querying_figures(
    model: AudioCLIP,
    vectors: dict[str, tuple[list[LabeledItem], Tensor]],
    collection: LabeledCollection,
    template: str,
) -> dict[str, dict[str, float]]:
    """From each modality to each other one; texts are the different sets of classes."""
    everything = [item for items, _ in vectors.values() for item in items]
    sets = label_set_ids([[collection.classes[label] for label in item.labels] for item in everything])
    # Composed as in training: the classes in the data set's order.
    composed = dict(zip(sets.ids.tolist(), map(collection.label_text, everything), strict=True))
    texts = [template.format(composed[number]) for number in range(len(sets.sets))]
    rows = {"text": _text_rows(model, texts)}
    ids = {"text": torch.arange(len(texts))}
    start = 0
    for name, (items, found) in vectors.items():
        rows[name], ids[name] = found, sets.ids[start : start + len(items)]
        start += len(items)
    figures = {}
    for query in rows:
        for result in rows:
            if query == result:
                continue
            measured = querying(rows[query], rows[result], query_labels=ids[query], result_labels=ids[result])
            figures[f"querying {query} to {result}"] = {
                "precision@1": measured.precision_at_1,
                "recall@1": measured.recall_at_1,
                "mean_average_precision": measured.mean_average_precision,
            }
    return figures


def _text_rows(model: AudioCLIP, texts: Sequence[str], batch_size: int = 64) -> Tensor:
    parts = [model.encode_text(texts[start : start + batch_size]) for start in range(0, len(texts), batch_size)]
    return torch.cat(parts).float().cpu()


def _factor(log_scale: Tensor) -> float:
    return float(log_scale.exp())
