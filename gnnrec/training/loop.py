"""The training loop."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import TrainingError
from gnnrec.models.base import Batch, Recommender
from gnnrec.training.callbacks import Callback
from gnnrec.training.options import TrainOptions
from gnnrec.training.sampler import TripleSampler
from gnnrec.training.state import TrainState
from graphs import BipartiteGraph

__all__ = ["fit"]

Validate = Callable[[Recommender], dict[str, float]]
"""Gives the validation metrics of a model as it is."""


def fit(
    model: Recommender,
    graph: BipartiteGraph,
    features: Mapping[str, ItemFeatures],
    options: TrainOptions,
    *,
    validate: Validate | None = None,
    callbacks: Sequence[Callback] = (),
    resume: Mapping[str, Any] | None = None,
) -> TrainState:
    """Train a model; at the end it holds the parameters of its best epoch on validation.

    Args:
        model: The model, on its device.
        graph: The training graph, on the same device.
        features: Item features, on the same device.
        options: How to train.
        validate: Gives the validation metrics; without it every epoch up to ``max_epochs`` runs and the last counts.
        callbacks: Hooks, called in order.
        resume: State of an interrupted run (:meth:`TrainState.to_dict`); training continues as if it never stopped.

    Returns:
        Where training ended.

    Raises:
        TrainingError: If a loss is not finite; it names the term and the epoch. Checkpoints of earlier epochs stay.
    """
    sampler = TripleSampler(graph)
    # The fused kernel reads and writes each parameter once; the default makes a pass for each operation.
    # Without weight decay, which only groups of their own have, AdamW is Adam.
    groups = model.parameter_groups()
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=0.0, fused=True)
    generator = torch.Generator(device=graph.device).manual_seed(options.seed)
    state = TrainState(model, optimizer, generator)
    if resume is not None:
        state.restore(dict(resume))
    try:
        for callback in callbacks:
            callback.on_start(state)
        while state.epoch < options.max_epochs and not state.stop:
            started = time.perf_counter()
            losses = _train_epoch(state, sampler, graph, features, options, callbacks)
            state.epoch += 1
            record: dict[str, Any] = {"epoch": state.epoch, "losses": losses}
            record["train_seconds"] = time.perf_counter() - started
            if validate is not None and (
                state.epoch % options.evaluate_every == 0 or state.epoch == options.max_epochs
            ):
                record["valid"] = validate(model)
                state.keep_best(record["valid"][options.metric])
            record["seconds"] = time.perf_counter() - started
            state.history.append(record)
            for callback in callbacks:
                callback.on_epoch(state, record)
    finally:
        for callback in callbacks:
            callback.on_end(state)
    if state.best_parameters:
        model.load_state_dict(state.best_parameters)
    return state


def _train_epoch(
    state: TrainState,
    sampler: TripleSampler,
    graph: BipartiteGraph,
    features: Mapping[str, ItemFeatures],
    options: TrainOptions,
    callbacks: Sequence[Callback],
) -> dict[str, float]:
    """One pass over all training pairs; gives the mean of each loss term, refuses one that is not finite."""
    model = state.model
    model.train()
    model.begin_epoch(graph, features)
    triples = sampler.epoch(state.generator)
    num_steps = math.ceil(len(sampler) / options.batch_size)
    accumulated = options.accumulate_steps
    names: list[str] = []
    sums = torch.zeros((), device=graph.device)
    culprits = torch.zeros((), dtype=torch.bool, device=graph.device)
    batches = zip(*(torch.split(column, options.batch_size) for column in triples), strict=True)
    for step, columns in enumerate(batches, start=1):
        terms = model.loss(graph, features, Batch(*columns))
        values = torch.stack(list(terms.values()))
        if (step - 1) % accumulated == 0:
            state.optimizer.zero_grad(set_to_none=True)
        # The last group of an epoch may be smaller; its mean is taken over the batches that it has.
        group = min(accumulated, num_steps - (step - 1) // accumulated * accumulated)
        (values.sum() / group).backward()  # type: ignore[no-untyped-call]
        if step % accumulated == 0 or step == num_steps:
            state.optimizer.step()
        # Sums and the first bad terms stay on the device: reading them at every step would make a GPU wait.
        names, values = list(terms), values.detach()
        sums = sums + values
        culprits = torch.where(culprits.any(), culprits, ~torch.isfinite(values))
        for callback in callbacks:
            callback.on_step(state, step, num_steps)
    bad = [f"loss '{name}'" for name, culprit in zip(names, culprits.tolist(), strict=True) if culprit]
    bad = bad or [f"parameter '{name}'" for name, value in model.named_parameters() if not torch.isfinite(value).all()]
    if bad:
        raise TrainingError(
            f"{' and '.join(bad)} is not finite in epoch {state.epoch + 1}; lower the learning rate or "
            "look at the item features. The checkpoint of the last good epoch is kept"
        )
    return {name: total / num_steps for name, total in zip(names, sums.tolist(), strict=True)}
