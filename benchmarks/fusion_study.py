"""Which of five models with which fusion: a study on each data set, its report, its winner against the table of models.

    python benchmarks/fusion_study.py run ../shared/data/lfm2k --trials 60
    python benchmarks/fusion_study.py run ../shared/data/tiktok --trials 45
    python benchmarks/fusion_study.py table

Trials, journal and run folders are in results/.cache/studies; the same command goes on where it stopped, and several
at once share the trials. The table, pages and pictures go to results/.
"""

import argparse
import sys
from pathlib import Path

from fusion_study_table import write_fusion_study_table
from spaces import FEATURES, FUSION_MODELS, FUSIONS

from gnnrec.errors import GnnrecError
from gnnrec.training import TrainOptions
from gnnrec.training.reading import read_for_training
from gnnrec.tuning import StudySpace, TuneOptions, tune
from gnnrec.tuning.study_folder import RESULT
from gnnrec.tuning.study_reader import StudyReader

RESULTS = Path(__file__).parent / "results"
STUDIES = RESULTS / ".cache" / "studies"
SEARCH_EPOCHS, SEARCH_PATIENCE = 60, 10
"""Of a trial: half a minute on two cores, so that a hundred fit into an afternoon; models that learn slowly suffer."""


def run_study(data: Path, trials: int, device: str) -> None:
    """Run a data set's study to its end."""
    reading = {"carve": True}
    dataset = read_for_training(FUSION_MODELS[0], data, **reading)
    features = FEATURES.get(data.name, tuple(dataset.feature_names()))
    options = TuneOptions(
        trials=trials,
        startup_trials=15,
        warmup_epochs=5,
        training=TrainOptions(max_epochs=SEARCH_EPOCHS, patience=SEARCH_PATIENCE, device=device),
    )
    result = tune(
        dataset,
        StudySpace(tuple(FUSION_MODELS), tuple(FUSIONS), (tuple(features),)),
        name=study_name(data.name),
        folder=STUDIES,
        options=options,
        reading=reading,
        on_trial=lambda trial, finished, total: print(
            f"{finished}/{total} {trial.state.name} {trial.value} {trial.user_attrs['candidate']}", flush=True
        ),
        on_message=lambda message: print(message, flush=True),
    )
    print(f"winner: {result.best.candidate}, validation {result.best.mean:.4f}")


def study_name(data: str) -> str:
    """Name of a data set's study."""
    return f"fusion-{data}"


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("data", type=Path, nargs="?", help="data folder, for run")
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    if (given.what == "run") != (given.data is not None):
        parser.error("give a data folder to 'run', and none to 'table'")
    return given


def main() -> int:
    """Run a command; gives the exit code."""
    given = parse_arguments()
    try:
        if given.what == "run":
            run_study(given.data, given.trials, given.device)
        else:
            names = sorted(path.parent.name for path in STUDIES.glob(f"*/{RESULT}"))
            readers = [StudyReader(name, folder=STUDIES) for name in names]
            print(f"written: {write_fusion_study_table(readers, RESULTS, SEARCH_EPOCHS, SEARCH_PATIENCE)}")
    except GnnrecError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
