"""Where a study is kept."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from gnnrec.errors import ArgumentError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study

__all__ = ["PASSWORD", "StudyStorage", "hidden_password"]

PASSWORD = "PASSWORD"
"""What is shown in the place of a password."""

_POSTGRESQL = "postgresql"
_DRIVER = "psycopg"
"""What the extra 'postgres' installs; SQLAlchemy's own choice depends on its version."""
_CONNECT_SECONDS = 10
_SECRET = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)


class StudyStorage:
    """A storage of Optuna: a journal file, or a database for workers on several machines.

    Args:
        location: File of a journal, or a URL of a database as SQLAlchemy takes it, such as
            ``postgresql://user:password@host/name``.
        heartbeat: Seconds between signs of life of a worker, kept in a database; a worker is taken for dead after
            twice as long. With a journal it is not needed: the kernel tells at once.

    Raises:
        MissingExtraError: If Optuna, or the database's driver, is not installed.
        ArgumentError: If it cannot be reached.
    """

    def __init__(self, location: str | Path, *, heartbeat: int = 60) -> None:
        self.location = str(location)
        self.heartbeat = heartbeat if "://" in self.location else None
        self.backend = _open(self.location, heartbeat)

    @property
    def locks(self) -> Path | None:
        """Folder of lock files beside a journal; None with a database."""
        return None if self.heartbeat else _locks(Path(self.location))

    def names(self) -> list[str]:
        """Names of the studies there are."""
        return [study.study_name for study in self.backend.get_all_studies()]

    def load(self, name: str, **options: object) -> "Study":
        """An existing study; ``options`` are those of ``optuna.load_study``.

        Raises:
            UnknownNameError: If there is none of that name.
        """
        import optuna

        try:
            return optuna.load_study(study_name=name, storage=self.backend, **options)  # type: ignore[arg-type]
        except KeyError:
            raise UnknownNameError("study", name, self.names()) from None

    def create(self, name: str, directions: list[str]) -> "Study":
        """A study, new or as it is."""
        import optuna

        with self.alone():
            return optuna.create_study(
                study_name=name,
                storage=self.backend,
                directions=directions,  # type: ignore[arg-type]
                load_if_exists=True,
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process of this machine at a time; with a database there is nothing to hold."""
        if self.locks is None:
            yield
            return
        self.locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self.locks / "study.lock"):
            yield


def _open(location: str, heartbeat: int) -> "BaseStorage":
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("optuna", "tune", "tuning") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if "://" not in location:
        return _open_journal(Path(location))
    from optuna.storages import RDBStorage, get_storage
    from sqlalchemy.exc import ArgumentError as UrlError
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    from gnnrec.tuning.retry import requeue

    kind, _, rest = location.partition("://")
    url = f"{_POSTGRESQL}+{_DRIVER}://{rest}" if kind == _POSTGRESQL else location
    connect = {"connect_timeout": _CONNECT_SECONDS} if kind.startswith(_POSTGRESQL) else {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # heartbeats are since 2021
            database = RDBStorage(
                url,
                heartbeat_interval=heartbeat,
                heartbeat_stale_trial_callback=requeue,
                # A worker trains for minutes between two sentences to the database, which may have hung up.
                engine_kwargs={"pool_pre_ping": True, "connect_args": connect},
            )
        return get_storage(database)  # one cache of finished trials for all that this process reads
    except ImportError:
        shown = hidden_password(location)
        if kind == _POSTGRESQL:
            raise MissingExtraError(_DRIVER, "postgres", f"the storage {shown}") from None
        raise ArgumentError(f"'storage' {shown}: no driver for {kind} is installed; SQLAlchemy says which") from None
    except (SQLAlchemyError, ValueError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        problem = "is no URL of a database" if isinstance(error, UrlError | NoSuchModuleError) else "cannot be reached"
        raise ArgumentError(f"'storage' {hidden_password(location)} {problem}: {reason}") from None


def _open_journal(path: Path) -> "BaseStorage":
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from gnnrec.tuning.journal_lock import JournalLock

    if path.is_dir():
        raise ArgumentError(f"'storage' must be a file or a URL of a database ({path} is a folder)")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return JournalStorage(JournalFileBackend(str(path), lock_obj=JournalLock(_locks(path))))  # type: ignore[arg-type]
    except ValueError as error:  # a line that is no JSON
        raise ArgumentError(f"'storage' {path} is no journal of Optuna: {error}") from None


def _locks(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.locks")


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
