"""Where a study is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from gnnrec.errors import ArgumentError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study

__all__ = ["StudyStorage"]


class StudyStorage:
    """A storage of Optuna: a journal file, or a database for workers on several machines.

    Args:
        location: File of a journal, or a URL of a database as SQLAlchemy takes it, such as
            ``postgresql://user:password@host/name``.
        heartbeat: Seconds between signs of life of a worker, kept in a database; a worker is taken for dead after
            twice as long. With a journal it is not needed: the kernel tells at once.

    Raises:
        MissingExtraError: If Optuna, or the database's driver, is not installed.
        ArgumentError: If it cannot be reached, or is no storage.
        StorageError: If it is damaged.
    """

    def __init__(self, location: str | Path, *, heartbeat: int = 60) -> None:
        if heartbeat < 1:
            raise ArgumentError(f"'heartbeat' must be a positive integer (got {heartbeat})")
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
        self.make(name, directions)
        return self.load(name)

    def make(self, name: str, directions: list[str]) -> bool:
        """Make a study; of several processes that do so at once, one is told that it has made it."""
        import optuna

        with self.alone():
            try:
                optuna.create_study(study_name=name, storage=self.backend, directions=directions)  # type: ignore[arg-type]
            except optuna.exceptions.DuplicatedStudyError:
                return False
        return True

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
    if "://" in location:
        from gnnrec.tuning.database import open_database

        return open_database(location, heartbeat)
    from gnnrec.tuning.journal_file import JournalFile

    path = Path(location)
    if path.is_dir():
        raise ArgumentError(f"'storage' must be a file or a URL of a database ({path} is a folder)")
    path.parent.mkdir(parents=True, exist_ok=True)
    return optuna.storages.JournalStorage(JournalFile(path, _locks(path)))


def _locks(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.locks")
