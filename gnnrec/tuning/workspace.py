"""What the trials of one process share."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from gnnrec.data.dataset import Dataset
from gnnrec.data.item_features import ItemFeatures
from gnnrec.errors import ArgumentError
from gnnrec.evaluation import EvalOptions
from gnnrec.models import create_model
from gnnrec.models.history_scorer import HistoryScorer
from gnnrec.training.callbacks import Callback, EarlyStopping
from gnnrec.training.determinism import deterministic
from gnnrec.training.loop import fit
from gnnrec.training.options import TrainOptions
from gnnrec.training.validation import Validation
from gnnrec.tuning.candidate import Candidate
from graphs import BipartiteGraph

__all__ = ["TrialResult", "Workspace"]

_CLEAR = Path("/proc/self/clear_refs")
"""With it the kernel forgets how much memory a process once took."""


@dataclass(frozen=True)
class TrialResult:
    """What training a candidate gave; nothing of it is of the test part.

    Args:
        valid: Validation metrics of the best epoch.
        epochs: Epochs trained, 0 for models without.
        best_epoch: Epoch that validation selected.
        seconds: Wall time.
        epoch_seconds: Mean training time of an epoch; of the fit, for models without epochs.
        parameters: Number of trained values.
        peak_mib: Peak memory above what was there before; None where it was not measured.
    """

    valid: dict[str, float]
    epochs: int
    best_epoch: int
    seconds: float
    epoch_seconds: float
    parameters: int
    peak_mib: float | None = None


class Workspace:
    """The data on their device, and what is made of them: the graph, and item graphs, which stay with the features.

    Args:
        dataset: The data; its test part is never looked at.
        device: The device.
        metric_k: List length of the validation metrics.

    Raises:
        ArgumentError: If there is no validation part.
    """

    def __init__(self, dataset: Dataset, device: torch.device, metric_k: int) -> None:
        if len(dataset.valid) == 0:
            raise ArgumentError(
                f"{dataset.name} has no validation part to select by; read it with gnnrec.training.read_for_training, "
                "which makes one, or split it: gnnrec.data.splits.apply_split(dataset, 'ratio')"
            )
        self.device = device
        self.num_users, self.num_items = dataset.num_users, dataset.num_items
        self.graph = BipartiteGraph.from_interactions(dataset.train).to(device)
        self.features = {name: features.to(device) for name, features in dataset.features.items()}
        self._valid = dataset.valid
        self._evaluation = EvalOptions(ks=(metric_k,), beyond_accuracy=False)

    def train(
        self,
        candidate: Candidate,
        options: TrainOptions,
        *,
        callbacks: Sequence[Callback] = (),
        measure_memory: bool = False,
        share: bool = True,
    ) -> TrialResult:
        """Train a candidate and keep nothing but its figures.

        Args:
            candidate: What to train.
            options: How, what the candidate chose included.
            callbacks: Further hooks; one may raise to end training.
            measure_memory: Whether to find the peak memory, on a CPU of the whole process (Linux).
            share: Whether graphs that former trainings made are used again; without, costs do not depend on them.

        Raises:
            TrainingError: If the loss is not finite.
            ArgumentError: If the model cannot do with these settings.
        """
        with deterministic(options.deterministic):
            features = {name: self.features[name] for name in candidate.features}
            graph = self.graph
            if not share:
                features = {name: ItemFeatures(x=one.x, mask=one.mask) for name, one in features.items()}
                graph = BipartiteGraph(graph.edge_index, self.num_users, self.num_items)
            before = self._start_measuring() if measure_memory else 0.0
            started = time.perf_counter()
            torch.manual_seed(options.seed)
            model = create_model(
                candidate.model,
                num_users=self.num_users,
                num_items=self.num_items,
                feature_dims={name: one.dim for name, one in features.items()},
                **candidate.arguments,
            ).to(self.device)
            validation = Validation(graph, features, self._valid, self._evaluation)
            if isinstance(model, HistoryScorer):
                model.fit(graph, features)
                fitted = time.perf_counter() - started
                figures: dict[str, Any] = {
                    "valid": validation(model),
                    "epochs": 0,
                    "best_epoch": 0,
                    "epoch_seconds": fitted,
                }
            else:
                hooks = [EarlyStopping(options.patience), *callbacks]
                state = fit(model, graph, features, options, validate=validation, callbacks=hooks)
                best = next(record for record in state.history if record["epoch"] == state.best_epoch)
                seconds = statistics.mean(record["train_seconds"] for record in state.history)
                figures = {
                    "valid": best["valid"],
                    "epochs": state.epoch,
                    "best_epoch": state.best_epoch,
                    "epoch_seconds": seconds,
                }
            return TrialResult(
                **figures,
                seconds=time.perf_counter() - started,
                parameters=sum(parameter.numel() for parameter in model.parameters()),
                peak_mib=self._peak() - before if measure_memory else None,
            )

    def _start_measuring(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            return torch.cuda.memory_allocated(self.device) / 2**20
        if not _CLEAR.exists():
            raise ArgumentError(
                "'peak_mib' can be measured with CUDA and under Linux only; leave it out of 'objectives'"
            )
        from gnnrec.training.peak_memory import forget_peak_memory, resident_memory

        forget_peak_memory()
        return resident_memory()

    def _peak(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        from gnnrec.training.peak_memory import peak_memory

        return peak_memory()
