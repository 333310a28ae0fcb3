"""``gnnrec tune report``."""

from pathlib import Path

from gnnrec.cli.tune.study_options import StudyFolder, StudyLocation, StudyName

__all__ = ["report"]


def report(
    name: StudyName,
    folder: StudyFolder = Path("studies"),
    storage: StudyLocation = None,
) -> None:
    """Write the study's report into its folder, as a page and as pictures."""
    from gnnrec.cli.output import print_line
    from gnnrec.tuning.report import write_report
    from gnnrec.tuning.study_reader import StudyReader

    for path in write_report(StudyReader(name, folder=folder, storage=storage)):
        print_line(str(path))
