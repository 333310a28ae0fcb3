"""Run folders as finished runs leave them, with figures that can be reckoned by hand."""

import json
from pathlib import Path

import pandas as pd
import torch
from encoder_figures import panel_rows, reference_rows
from encoder_report import Report
from encoder_study import EncoderChoice, Panel, Plan, Setting, Study
from safetensors.torch import save_file

TINY = EncoderChoice.parse("audioclip-tiny")
ZERO = Setting("bpr-mf")
FROZEN = Setting("vbpr", "frozen", TINY)
TUNED = Setting("vbpr", "finetune", TINY)
JOINT = Setting("vbpr", "end-to-end", TINY)
ORACLE = Setting("vbpr", "file", features=("oracle",))
REFERENCE = Setting("popularity")
IMPOSSIBLE = {Setting("vbpr", "finetune", EncoderChoice.parse("resnet50")): "one kind of content"}
PLAN = Plan((Panel("vbpr", ZERO, (FROZEN, TUNED, JOINT, ORACLE)),), (REFERENCE,), IMPOSSIBLE)

USER_VALUES = {
    ZERO: [0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
    FROZEN: [0.1, 0.1, 0.4, 0.3, 0.5, 0.6],
    TUNED: [0.0, 0.3, 0.4, 0.6, 0.4, 0.8],
    JOINT: [0.4, 0.4, 0.6, 0.6, 0.8, 0.8],
    ORACLE: [0.9, 0.8, 0.9, 1.0, 0.9, 1.0],
    REFERENCE: [0.1, 0.0, 0.1, 0.0, 0.1, 0.0],
}
"""Test Recall@20 of users with seed 1; seed 2 has 0.02 more for all."""
VALID = {ZERO: 0.2, FROZEN: 0.3, TUNED: 0.5, JOINT: 0.4, ORACLE: 0.9, REFERENCE: 0.1}


def write_run(folder: Path, setting: Setting, seed: int, num_items: int = 80) -> Path:
    """One run: the more the encoders learn, the more its features are turned, from (1, 0) by 0, 60 or 90 degrees."""
    folder.mkdir(parents=True)
    values = [value + 0.02 * (seed - 1) for value in USER_VALUES[setting]]
    mean = sum(values) / len(values)
    metrics = {
        "valid": {"recall@20": VALID[setting] + 0.02 * (seed - 1), "ndcg@20": 0.1},
        "test": {"recall@20": mean, "ndcg@20": mean / 2},
        "epochs": 3,
        "best_epoch": 2,
        "fit_seconds": 4.0,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    warm_up = {"training": setting.regime, "options": {"warm_up_epochs": seed}}
    (folder / "run.json").write_text(json.dumps({"encoders": warm_up} if setting.encoders else {}))
    cost = {"decode_seconds": 1.0, "encode_seconds": 2.0, "finetune_seconds": 0.0, "train_seconds": 3.0 * seed}
    more = {"evaluate_seconds": 0.5, "peak_mib": 700, "data_mib": 500, "cuda_mib": None, "threads": 1}
    random = {"random_weights": setting.encoders is not None}
    (folder / "cost.json").write_text(json.dumps({**cost, **more, **random}))
    records = [{"epoch": epoch, "valid": {"recall@20": 0.1 * epoch}, "seconds": 1.0 * seed} for epoch in (1, 2, 3)]
    (folder / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    users = [f"user-{place}" for place in range(len(values))]
    frames = [
        pd.DataFrame({"user_id": users, "part": part, "recall@20": values, "ndcg@20": values})
        for part in ("valid", "test")
    ]
    # In an order of its own: values belong to users, not to rows.
    pd.concat(frames).iloc[:: 1 if seed == 1 else -1].to_parquet(folder / "metrics_per_user.parquet")
    if setting.regime == "finetune":
        (folder / "finetune").mkdir()
        tuning = [{"losses": {"image-audio": loss, "image-text": 1.0}, "seconds": 1.0} for loss in (3.0, 2.0, 1.0)]
        (folder / "finetune" / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in tuning))
    if setting.encoders:
        angle = torch.tensor({"frozen": 0.0, "finetune": torch.pi / 3, "end-to-end": torch.pi / 2}[setting.regime])
        x = torch.stack([angle.cos(), angle.sin()]).repeat(num_items, 1)
        x[:, 0] += torch.arange(num_items) * 1e-4 * (setting.regime != "frozen")
        mask = torch.ones(num_items, dtype=torch.bool)
        mask[-1] = False
        (folder / "features").mkdir()
        save_file({"x": x, "mask": mask}, folder / "features" / "audioclip-tiny.image.safetensors")
    return folder


def write_runs(folder: Path, seeds: tuple[int, ...] = (1, 2)) -> dict[tuple[Setting, int], Path]:
    """All of the plan."""
    settings = PLAN.settings()
    return {
        (setting, seed): write_run(folder / f"{place}-{seed}", setting, seed)
        for place, setting in enumerate(settings)
        for seed in seeds
    }


def make_report(folders: dict[tuple[Setting, int], Path]) -> Report:
    """The report of these runs."""
    return Report(
        study=Study(data=Path("demo")),
        name="demo <&> data",
        command="python benchmarks/compare_encoders.py demo",
        fingerprint="abc123",
        num_users=6,
        num_items=80,
        num_candidates=80,
        interactions={"train": 60, "valid": 6, "test": 6},
        split="given",
        contents={"image": 70, "text": 75},
        panels=panel_rows(PLAN, folders),
        references=reference_rows(PLAN, folders),
        missing={str(setting): reason for setting, reason in PLAN.impossible.items()},
    )
