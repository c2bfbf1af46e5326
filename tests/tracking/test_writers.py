"""Many processes that write to one store at once."""

import re

import pytest

from tests.postgres import PostgreSQL
from tests.processes import ROOT, python


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_eight_writers_at_once_lose_nothing(kind: str) -> None:
    if kind == "postgresql" and not PostgreSQL.is_installed():
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    done = python(ROOT, "-m", "benchmarks.writers", "--points", "400", "--stores", kind)

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(rf"{kind}: 8 of 8 runs complete, 400 points each", done.stdout)
    assert "locked" not in done.stderr
