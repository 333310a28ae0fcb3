"""The same study in Optuna's own dashboard."""

import shlex

from gnnrec.tuning.hidden_password import hidden_password

__all__ = ["dashboard_command"]


def dashboard_command(location: str) -> str:
    """The command line that opens a study's storage, without passwords.

    Args:
        location: A journal file or the URL of a database.
    """
    return shlex.join(["optuna-dashboard", hidden_password(location)])
