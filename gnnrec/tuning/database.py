"""A database that many workers share, and that may be away for a while."""

import functools
import random
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from optuna.exceptions import ExperimentalWarning, OptunaError, StorageInternalError
from optuna.storages import BaseStorage, RDBStorage, get_storage
from sqlalchemy import create_engine
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import (
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
    SQLAlchemyError,
)

from gnnrec.errors import ArgumentError, MissingExtraError, StorageError
from gnnrec.tuning.hidden_password import hidden_password
from gnnrec.tuning.retry import requeue

__all__ = ["open_database"]

Answer = TypeVar("Answer")

_POSTGRESQL = "postgresql"
_DRIVER = "psycopg"
"""What the extra 'postgres' installs; SQLAlchemy's own choice depends on its version."""
_CONNECT_SECONDS = 10
_LOCK_SECONDS = 60
"""How long SQLite waits for a lock."""
_CREATION_SECONDS, _ABSENCE_SECONDS = 15.0, 120.0
"""How long tables may be in the making by others, and a database that was there may be away."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0
_PASSING = (OperationalError, InterfaceError)


def open_database(location: str, heartbeat: int) -> BaseStorage:
    """Optuna's storage in a database, with tables of its own if there are none.

    What fails because the database is away, locked or full is tried again for two minutes.

    Args:
        location: URL as SQLAlchemy takes it.
        heartbeat: Seconds between signs of life of a worker.

    Raises:
        MissingExtraError: If the driver is not installed.
        ArgumentError: If it cannot be reached.
        StorageError: If it can, but holds or takes no studies.
    """
    kind, _, rest = location.partition("://")
    url = f"{_POSTGRESQL}+{_DRIVER}://{rest}" if kind == _POSTGRESQL else location
    connect: dict[str, Any] = {}
    if kind.startswith(_POSTGRESQL):
        connect = {"connect_timeout": _CONNECT_SECONDS}
    elif kind.startswith("sqlite"):
        connect = {"timeout": _LOCK_SECONDS}
    shown = hidden_password(location)
    # A worker trains for minutes between two sentences to the database, which may have hung up.
    settings = {"pool_pre_ping": True, "connect_args": connect}
    try:
        engine = create_engine(url, **settings)
        with engine.connect():
            pass
    except ImportError:
        if kind == _POSTGRESQL:
            raise MissingExtraError(_DRIVER, "postgres", f"the storage {shown}") from None
        raise ArgumentError(f"'storage' {shown}: no driver for {kind} is installed; SQLAlchemy says which") from None
    except (SQLAlchemyError, ValueError) as error:
        problem = "is no URL of a database" if isinstance(error, UrlError | NoSuchModuleError) else "cannot be reached"
        raise ArgumentError(f"'storage' {shown} {problem}: {_reason(error)}") from None
    engine.dispose()

    database = _create(url, shown, heartbeat, settings)
    backend = get_storage(database)  # one cache of finished trials for all that this process reads
    for name in [*(name for name in dir(BaseStorage) if not name.startswith("_")), "record_heartbeat"]:
        setattr(backend, name, functools.partial(_ask, shown, getattr(backend, name)))
    return backend


def _create(url: str, shown: str, heartbeat: int, settings: dict[str, Any]) -> RDBStorage:
    def create() -> RDBStorage:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # heartbeats are since 2021
            return RDBStorage(
                url,
                heartbeat_interval=heartbeat,
                heartbeat_stale_trial_callback=requeue,
                engine_kwargs=dict(settings),
            )

    # Workers that start together all make the tables, and all but one of them fail.
    races = (*_PASSING, IntegrityError, ProgrammingError)
    try:
        return _patiently(create, races, _CREATION_SECONDS)
    except (SQLAlchemyError, OptunaError, RuntimeError) as error:
        raise StorageError(f"'storage' {shown} takes no studies: {_reason(error)}") from None


def _ask(shown: str, call: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
    """Call a method of the storage, again and again while the database is away."""
    told = False

    def tell(error: Exception) -> None:
        nonlocal told
        if not told:
            warnings.warn(f"'storage' {shown}: {_reason(error)}; trying again", stacklevel=2)
        told = True

    try:
        return _patiently(lambda: call(*arguments, **options), _PASSING, _ABSENCE_SECONDS, tell)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StorageError(f"'storage' {shown}: {_reason(error)}; once that is mended the study goes on") from None


def _patiently(
    call: Callable[[], Answer],
    passing: tuple[type[Exception], ...],
    seconds: float,
    on_error: Callable[[Exception], None] = lambda _: None,
) -> Answer:
    """Call until it does not fail of what passes by itself, with growing pauses."""
    caught: tuple[type[Exception], ...] = (*passing, StorageInternalError)
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while True:
        try:
            return call()
        except caught as error:
            if not isinstance(_original(error), passing) or time.monotonic() > end:
                raise
            on_error(error)
            time.sleep(pause * random.uniform(0.5, 1.5))  # so that workers do not meet again
            pause = min(2 * pause, _LONGEST_PAUSE)


def _original(error: Exception) -> BaseException:
    """Optuna puts some errors of the database into one of its own."""
    return (isinstance(error, StorageInternalError) and error.__cause__) or error


def _reason(error: Exception) -> str:
    found = _original(error)
    return str(getattr(found, "orig", None) or found).strip().splitlines()[0]
