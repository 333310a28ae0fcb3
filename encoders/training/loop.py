"""The training loop of encoders."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from encoders.errors import TrainingError
from encoders.training.checkpoint import CheckpointFolder
from encoders.training.options import TrainingOptions
from encoders.training.order import epoch_seed
from encoders.training.state import TrainingState, trained_tensors
from encoders.training.task import TrainingTask

__all__ = ["fit"]

Step = Callable[[int, int, int], None]
Epoch = Callable[[dict[str, Any]], None]


def fit(
    task: TrainingTask,
    options: TrainingOptions,
    *,
    folder: CheckpointFolder | None = None,
    on_step: Step | None = None,
    on_epoch: Epoch | None = None,
) -> TrainingState:
    """Train; at the end the model holds its best epoch on validation, or the last one if there is no validation.

    With a folder a state is kept after each epoch, and a run that finds one goes on from there, to the same figures as
    if it had never stopped.

    Args:
        task: What to train; its model is moved to the device of the options.
        options: How.
        folder: Where to keep states.
        on_step: Called after each step with the epoch, the step and the number of steps, all from 1.
        on_epoch: Called with the record of each epoch: ``epoch``, ``learning_rate``, ``losses`` by name, ``valid``
            figures if there are any, ``seconds``.

    Returns:
        Where training ended.

    Raises:
        TrainingError: If a term of the loss is not finite (the state of the epoch before stays), or the folder holds
            another run, a damaged one, or one that another process is at.
    """
    with folder.locked() if folder else contextlib.nullcontext():
        return _fit(task, options, folder, on_step, on_epoch)


def _fit(
    task: TrainingTask,
    options: TrainingOptions,
    folder: CheckpointFolder | None,
    on_step: Step | None,
    on_epoch: Epoch | None,
) -> TrainingState:
    device = torch.device(options.device)
    task.model.to(device)
    state = TrainingState(task.model, options.build_optimizer(task.parameter_groups()))
    saved = folder.read(device, trained_tensors(task.model)) if folder else None
    if saved is not None:
        state.restore(saved)
    devices = [device] if device.type == "cuda" else []
    while state.epoch < options.epochs and not _has_stalled(state, options):
        started = time.perf_counter()
        epoch = state.epoch + 1
        rate = options.rate_of_epoch(epoch)
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        # Dropout draws from the global source: its state follows from the epoch, and the caller's is left alone.
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(epoch_seed(options.seed, epoch))
            losses = _train_epoch(task, state, options, epoch, on_step)
        state.epoch = epoch
        record: dict[str, Any] = {"epoch": epoch, "learning_rate": rate, "losses": losses}
        task.model.eval()
        valid = task.validate()
        if valid:
            record["valid"] = valid
            state.keep_best(valid[task.metric], larger_is_better=task.larger_is_better)
        record["seconds"] = round(time.perf_counter() - started, 3)
        state.history.append(record)
        if folder:
            folder.write(state.to_dict())
        if on_epoch:
            on_epoch(record)
    if state.best_tensors:
        task.model.load_state_dict(state.best_tensors, strict=False)
    task.model.eval()
    return state


def _has_stalled(state: TrainingState, options: TrainingOptions) -> bool:
    return options.patience is not None and state.best_epoch > 0 and state.epoch - state.best_epoch >= options.patience


def _train_epoch(
    task: TrainingTask, state: TrainingState, options: TrainingOptions, epoch: int, on_step: Step | None
) -> dict[str, float]:
    """One pass over the data; gives the mean of each term."""
    task.begin_epoch()
    device = torch.device(options.device)
    names: list[str] = []
    sums = torch.zeros((), device=device)
    culprits = torch.zeros((), dtype=torch.bool, device=device)
    step = 0
    for step, batch in enumerate(task.batches(epoch), start=1):
        with torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16"):
            terms = task.loss(batch)
        values = torch.stack([term.float() for term in terms.values()])
        state.optimizer.zero_grad(set_to_none=True)
        values.sum().backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        task.after_step()
        # Sums and the first bad terms stay on the device: reading them at every step would make a GPU wait.
        names, sums = list(terms), sums + values.detach()
        culprits = torch.where(culprits.any(), culprits, ~torch.isfinite(values.detach()))
        if on_step:
            on_step(epoch, step, task.num_steps)
    if step == 0:
        raise TrainingError("there are no batches to train on; is the batch larger than the data?")
    _require_finite(names, culprits, task, epoch)
    return {name: total / step for name, total in zip(names, sums.tolist(), strict=True)}


def _require_finite(names: list[str], culprits: Tensor, task: TrainingTask, epoch: int) -> None:
    bad = [f"loss '{name}'" for name, culprit in zip(names, culprits.tolist(), strict=True) if culprit]
    bad = bad or [
        f"parameter '{name}'" for name, value in task.model.named_parameters() if not bool(torch.isfinite(value).all())
    ]
    if bad:
        raise TrainingError(
            f"{' and '.join(bad)} is not finite in epoch {epoch}; lower the learning rate. The state of the epoch "
            "before is kept"
        )
