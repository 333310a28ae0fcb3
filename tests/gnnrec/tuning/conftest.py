"""A PostgreSQL server of a test's own."""

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test's own."""
    pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    found = shutil.which("initdb") or (str(programs[-1] / "initdb") if programs else None)
    if found is None:
        pytest.skip("PostgreSQL is not installed; its Debian package is 'postgresql'")
    programs_folder = Path(found).parent
    # A server refuses to run as root, and the socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="gnnrec-postgresql-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        if shutil.which("runuser") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no runuser")
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    user = "postgres" if as_user else getpass.getuser()

    def call(*command: str) -> None:
        done = subprocess.run([*as_user, *command], capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stderr

    data = str(folder / "data")
    call(str(programs_folder / "initdb"), "-D", data, "-A", "trust", "-U", user)
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    call(str(programs_folder / "pg_ctl"), "-D", data, "-l", str(folder / "log"), "-w", "-o", settings, "start")
    try:
        yield f"postgresql://{user}@/postgres?host={folder}"
    finally:
        call(str(programs_folder / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
