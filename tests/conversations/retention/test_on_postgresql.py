"""All of this folder holds on PostgreSQL too."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.db import connection

from tests.services import ROOT, environment_without_settings

HERE = "tests/conversations/retention"
# Those that start their own processes and databases do that already.
ELSEWHERE = ("test_on_postgresql.py", "test_scan.py", "test_ages.py")


@pytest.mark.skipif(connection.vendor == "postgresql", reason="this is that run")
@pytest.mark.timeout(240)
def test_all_of_this_holds_on_postgresql(postgres_database):
    left_out = [f"--ignore={HERE}/{name}" for name in ELSEWHERE]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE, *left_out],
        cwd=ROOT,
        env={**environment_without_settings(), "DATABASE_URL": postgres_database},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-5000:]
