"""A PostgreSQL server of its own, for as long as a block lasts."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

OWNER = "postgres"  # made by Debian's package; the server refuses to run as root
DEBIAN = Path("/usr/lib/postgresql")


def programs() -> Path | None:
    """Return the folder with the server's programs: on PATH, or where Debian puts them."""
    on_path = shutil.which("initdb")
    if on_path is not None:
        return Path(on_path).parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


class PostgreSQL:
    """An empty database on a free port of this machine; entering it returns its URI.

    Args:
        password: of its owner, not in the URI; None lets everybody in.
    """

    def __init__(self, password: str | None = None) -> None:
        self._password = password

    @staticmethod
    def is_installed() -> bool:
        return programs() is not None

    def __enter__(self) -> str:
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        if os.getuid() == 0:
            shutil.chown(self._folder, OWNER, OWNER)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        data = str(self._folder / "data")
        who = ["--auth", "trust"]
        if self._password is not None:
            (self._folder / "password").write_text(self._password)
            who = ["--auth", "scram-sha-256", "--pwfile", str(self._folder / "password")]
        self._run("initdb", "--pgdata", data, *who, "--username", OWNER, "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {self._folder} -F"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", log, "-o", options)
        return f"postgresql://{OWNER}@127.0.0.1:{port}/postgres"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._run("pg_ctl", "stop", "--mode", "immediate", "--pgdata", str(self._folder / "data"))
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments: str) -> None:
        as_owner = ["runuser", "-u", OWNER, "--"] if os.getuid() == 0 else []
        subprocess.run(
            [*as_owner, f"{self._programs}/{program}", *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
        )
