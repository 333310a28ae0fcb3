import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[3] / "browser"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished study with its report."""
    from small_studies import NAME, run_study

    from gnnrec.tuning.report import write_report
    from gnnrec.tuning.study_reader import StudyReader

    folder = tmp_path_factory.mktemp("finished")
    run_study(folder)
    write_report(StudyReader(NAME, folder=folder))
    return folder / NAME


@pytest.fixture(scope="session")
def with_costs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a study of two objectives with its report; it had no test."""
    from small_studies import NAME, run_study

    from gnnrec.tuning.report import write_report
    from gnnrec.tuning.study_reader import StudyReader

    folder = tmp_path_factory.mktemp("with_costs")
    run_study(folder, objectives=("recall@20", "epoch_seconds"), test=False)
    write_report(StudyReader(NAME, folder=folder))
    return folder / NAME
