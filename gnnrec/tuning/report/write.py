"""Writing a study's report."""

import importlib
from pathlib import Path

from gnnrec.errors import MissingExtraError
from gnnrec.tuning.study_reader import StudyReader

__all__ = ["PAGE", "write_report"]

PAGE = "report.html"


def write_report(reader: StudyReader) -> list[Path]:
    """Write the report into the study's folder, in the place of an older one.

    ``report.html`` needs nothing but itself. The pictures are ``report_history.png``, ``report_importance.png``,
    ``report_contour.png`` and, with several objectives, ``report_pareto.png``; one that would show nothing is not
    written, and the page says why.

    Args:
        reader: The study, finished or not.

    Returns:
        The files written.

    Raises:
        MissingExtraError: If plotly, matplotlib or scikit-learn is not installed.
    """
    for module, package in (("plotly", "plotly"), ("matplotlib", "matplotlib"), ("sklearn", "scikit-learn")):
        try:
            importlib.import_module(module)
        except ImportError:
            raise MissingExtraError(package, "tune", "the report of a study") from None
    from gnnrec.tuning.report.page import to_html
    from gnnrec.tuning.report.pictures import write_pictures
    from gnnrec.tuning.report.snapshot import StudySnapshot

    snapshot = StudySnapshot.take(reader)
    reader.folder.mkdir(parents=True, exist_ok=True)  # a study in a database may have none on this machine
    page = reader.folder / PAGE
    page.write_text(to_html(snapshot), encoding="utf-8")
    return [page, *write_pictures(snapshot, reader.folder)]
