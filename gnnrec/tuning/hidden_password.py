"""Locations that may be shown."""

import re

__all__ = ["PASSWORD", "hidden_password"]

PASSWORD = "PASSWORD"
"""What is shown in the place of a password."""

_SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


def hidden_password(location: str) -> str:
    """A storage's location with :data:`PASSWORD` in the place of what a URL keeps secret; a file's as it is."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError as UrlError

    if "://" not in location:
        return location
    try:
        url = make_url(location)
    except UrlError:
        return location
    if url.password is not None:
        url = url.set(password=PASSWORD)
    query = {name: PASSWORD if _SECRET.search(name) else value for name, value in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=False)
