"""Stages on a GPU, in mixed precision."""

import pytest
import torch

from encoders.training import TrainingOptions
from encoders.training.stages import StageModel, StageSettings, assess, run_stage

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
    pytest.mark.filterwarnings("ignore::encoders.errors.RandomWeightsWarning"),
]

OPTIONS = TrainingOptions(
    epochs=25, batch_size=5, optimizer="adamw", learning_rate=3e-3, decay=0.9, precision="bf16", device="cuda"
)


@pytest.mark.parametrize("stage", ["audio-pretrain", "finetune-cooperative", "cooperative", "joint"])
def test_stages_learn_on_a_gpu_and_say_how_much_memory_they_took(tones, tmp_path, stage):
    train, test = tones.fold_split(1)
    settings = StageSettings(stage, size="audioclip-tiny")
    result = run_stage(tones, settings, OPTIONS, train=train, test=test, folder=tmp_path)
    assert result.test["accuracy"] >= 0.6  # chance is a third
    assert result.peak_gigabytes > 0
    on_gpu = assess(StageModel.read(tmp_path), tones, test, settings, device="cuda").figures
    on_cpu = assess(StageModel.read(tmp_path), tones, test, settings, device="cpu").figures
    task = "classification" if stage == "audio-pretrain" else "zero-shot audio"
    assert on_gpu[task]["accuracy"] == pytest.approx(on_cpu[task]["accuracy"], abs=0.07)


def test_the_full_size_takes_a_step_in_mixed_precision(tones):
    train, _ = tones.fold_split(1)
    options = TrainingOptions(epochs=1, batch_size=10, learning_rate=1e-4, precision="bf16", device="cuda")
    result = run_stage(tones, StageSettings("audio-pretrain"), options, train=train)
    assert result.epochs == 1 and result.peak_gigabytes > 0.3
