"""What a study found, as a page and as pictures."""

from gnnrec.tuning.report.write import write_report

__all__ = ["write_report"]
