"""Encoding a catalog on many machines: blocks shared out by Ray Data."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from encoders.base import Encoder
from encoders.errors import ArgumentError, EncoderError, MissingPackageError
from encoders.store.block_encoder import BlockEncoder
from encoders.store.blocks import num_blocks
from encoders.store.catalog import Catalog
from encoders.store.encode import check_modality
from encoders.store.merge import merge_catalog
from encoders.store.options import EncodeOptions
from encoders.store.report import EncodeReport

__all__ = ["encode_catalog_with_ray"]


def encode_catalog_with_ray(
    build_encoder: Callable[[], Encoder],
    catalog: Catalog,
    folder: Path,
    *,
    options: EncodeOptions | None = None,
    strict: bool = False,
    weights: Path | None = None,
    concurrency: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> EncodeReport:
    """Encode one modality of a catalog as :func:`~encoders.store.encode_catalog` does, by actors of Ray Data.

    Every actor builds the encoder once, then encodes and writes blocks; this process puts them together. A killed run
    goes on with the blocks that are missing. Contents and ``folder`` must be under the same names on all machines.
    Actors use as many threads as this process does, so that on the CPU the bytes are those of a run without Ray.

    Ray is started if this process is in no cluster yet: the running one is joined, or a local one is made, which ends
    with the process.

    Args:
        build_encoder: Makes the encoder, the same one on every machine.
        catalog: The items.
        folder: Where the file goes; made if it does not exist.
        options: Batches and precision; the device and the decoding processes of each actor. ``"auto"`` takes the GPUs
            if the cluster has any.
        strict: Refuse to write the file if there is any problem.
        weights: File that the encoder's weights came from, noted in the header.
        concurrency: Number of actors [default: as many as the cluster's GPUs or cores allow].
        on_progress: Called with the items done and all items.

    Returns:
        Counts, and times of all actors together.

    Raises:
        ArgumentError: If the catalog lacks the modality, or an argument cannot work.
        EncoderError: If an actor has another encoder, or if ``strict`` and there are problems.
        MissingPackageError: If Ray Data is missing.

    Example:
        >>> from functools import partial
        >>> from encoders import create_encoder
        >>> build = partial(create_encoder, "clip-rn50", "image")
        >>> encode_catalog_with_ray(build, catalog, folder)  # doctest: +SKIP
    """
    if concurrency is not None and concurrency < 1:
        raise ArgumentError(f"'concurrency' must be a positive integer (got {concurrency})")
    ray = _start_ray()
    encoder = build_encoder()
    check_modality(catalog, encoder.modality)
    options = options or EncodeOptions()
    device, precision = _choose_place(options, ray.cluster_resources().get("GPU", 0))
    settings: dict[str, Any] = {
        "options": options,
        "device": torch.device(device),
        "precision": precision,
        "weights": None if weights is None else weights.resolve(),
    }
    planner = BlockEncoder(encoder, catalog, folder, **settings)
    report = EncodeReport(encoder.feature_name)
    missing = planner.find_missing(range(num_blocks(len(catalog))), report)
    if on_progress:
        on_progress(report.items, len(catalog))
    if missing:
        threads = torch.get_num_threads()  # sums in another order would be other bytes
        # The folder names of this process mean nothing to another one elsewhere.
        everywhere = replace(catalog, root=catalog.root.resolve())
        rows = ray.data.from_items([{"block": block} for block in missing], override_num_blocks=len(missing))
        rows.context.enable_progress_bars = False
        reports = rows.map_batches(
            _BlockActor,
            fn_constructor_args=(build_encoder, everywhere, folder.resolve(), settings, threads, planner.work.name),
            batch_size=1,
            **_actor_resources(
                ray,
                threads=threads,
                workers=options.workers,
                device=device,
                blocks=len(missing),
                concurrency=concurrency,
            ),
        )
        for row in reports.iter_rows():
            if row["error"]:
                raise EncoderError(row["error"])
            report.add(EncodeReport(**json.loads(row["report"])))
            if on_progress:
                on_progress(report.items, len(catalog))
    merged = merge_catalog(encoder, catalog, folder, precision=precision, strict=strict, weights=weights)
    report.path, report.covered, report.problems = merged.path, merged.covered, merged.problems
    return report


class _BlockActor:
    """Lives in a process of Ray, and encodes the blocks whose numbers it is given.

    Args:
        build_encoder: Makes the encoder.
        catalog: The items, with the absolute name of their folder.
        folder: Where the file will go, absolute.
        settings: Keywords of :class:`~encoders.store.block_encoder.BlockEncoder`.
        threads: Of torch.
        work: Name of the folder of blocks, which tells whether this encoder is that of the process that asks.
    """

    def __init__(
        self,
        build_encoder: Callable[[], Encoder],
        catalog: Catalog,
        folder: Path,
        settings: dict[str, Any],
        threads: int,
        work: str,
    ) -> None:
        torch.set_num_threads(threads)
        self._error = ""
        try:
            encoder = build_encoder()
            self._worker = BlockEncoder(encoder, catalog, folder, **settings)
            if self._worker.work.name != work:
                self._error = (
                    f"'{encoder.feature_name}': a process of Ray has other weights, preprocessing or version of the "
                    "encoder than this one; make them the same on all machines"
                )
        except (EncoderError, OSError) as error:
            self._error = str(error)  # Ray would start an actor that cannot be built again and again

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """Encode blocks; gives what was done, or why not."""
        report = EncodeReport("")
        if not self._error:
            try:
                for _ in self._worker.encode([int(block) for block in batch["block"]], report):
                    pass
            except (EncoderError, OSError) as error:
                return {"report": [""], "error": [str(error)]}
        return {"report": [json.dumps(asdict(report))], "error": [self._error]}


def _start_ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingPackageError("ray", "ray", "encoding with Ray") from None
    if not ray.is_initialized():
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
        logging.getLogger("ray.data").setLevel(logging.WARNING)  # it tells of every plan and start
    return ray


def _choose_place(options: EncodeOptions, gpus: float) -> tuple[str, str]:
    """Kind of device and precision; those of the cluster, since this process may have no GPU itself."""
    device = ("cuda" if gpus else "cpu") if options.device == "auto" else torch.device(options.device).type
    precision = ("bf16" if device == "cuda" else "fp32") if options.precision == "auto" else options.precision
    return device, precision


def _actor_resources(
    ray: Any, *, threads: int, workers: int, device: str, blocks: int, concurrency: int | None
) -> dict[str, Any]:
    """What map_batches is told about the actors: how many, and what each needs."""
    gpus = int(device == "cuda")
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    all_cpus = int(sum(machine.get("CPU", 0) for machine in machines))
    # An actor that asks for more than the largest machine has, for each of its GPUs, would wait for ever.
    room = max(machine.get("CPU", 0) // max(1, gpus * machine.get("GPU", 0)) for machine in machines)
    cpus = min(workers + (1 if gpus else threads), int(room))
    fitting = int(sum(machine.get("GPU", 0) for machine in machines)) if gpus else all_cpus // max(1, cpus)
    size = min(concurrency or max(1, fitting), blocks)
    return {
        "compute": ray.data.ActorPoolStrategy(size=size),
        "num_cpus": min(cpus, all_cpus // size),
        "num_gpus": gpus,
    }
