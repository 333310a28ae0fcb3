"""The same study in Optuna's own dashboard."""

import re
import shlex

__all__ = ["PASSWORD", "dashboard_command"]

PASSWORD = "PASSWORD"
"""What stands in the place of a password."""
_SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


def dashboard_command(location: str) -> str:
    """The command line that opens a study's storage, without passwords.

    Args:
        location: A journal file or the URL of a database.
    """
    return shlex.join(["optuna-dashboard", _without_password(location) if "://" in location else location])


def _without_password(url: str) -> str:
    from sqlalchemy.engine import make_url

    parsed = make_url(url)
    if parsed.password is not None:
        parsed = parsed.set(password=PASSWORD)
    query = {name: PASSWORD if _SECRET.search(name) else value for name, value in parsed.query.items()}
    return parsed.set(query=query).render_as_string(hide_password=False)
