"""The reviewer's list and search with a hundred thousand conversations, on both databases."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import psycopg

from tests.services import postgres_server

from .figures import OURS, QUIET, THEIRS, ms, percentile
from .report import IMAGES, Section

DATABASES = ("SQLite", "PostgreSQL")
BUDGET_MS = {"list": 150, "search": 100}


@dataclass(frozen=True, slots=True)
class Plan:
    conversations: int = 100_000
    turns: int = 1_000_000
    rounds: int = 40


QUICK = Plan(conversations=2_000, turns=20_000, rounds=5)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Of one database: what ``reviewing.Timed`` has, and how long it took to fill it."""

    requests: list[dict[str, Any]]
    seeded_s: float
    size_mb: float


def section(quick: bool) -> Section:
    """Measure, plot, and tell."""
    plan = QUICK if quick else Plan()
    measured = {}
    for database in DATABASES:
        print(f"{database}: {plan.turns} turns", file=sys.stderr)
        with _environment(database) as environment:
            measured[database] = _review(plan, database, environment)
        _tell_what_is_slow(database, measured[database])
    if not quick:
        _plot(measured)
    explained = (
        f"{plan.conversations:,} conversations of {plan.turns:,} turns by `manage.py seed_conversations`, in nine "
        f"languages. Whole answers of the admin to a reviewer with every permission, {plan.rounds} times each, the "
        "database warm. Wanted: the list under 150 ms, search under 100 ms."
    )
    picture = "![The admin with a million turns](images/benchmark-review.png)"
    return Section(
        "The reviewer's list and search",
        "python -m benchmarks review",
        "\n\n".join((explained, _table(measured), picture)),
    )


@contextmanager
def _environment(database: str) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as data:
        environment = os.environ | {
            "VOICECHAT_DATA_DIR": data,
            "DJANGO_SETTINGS_MODULE": "voicechat.settings",
            "DJANGO_SECRET_KEY": "only-for-benchmarks",
            "DJANGO_DEBUG": "0",
            "DJANGO_ALLOWED_HOSTS": "testserver",
            "VOICECHAT_TTS": "espeak",
            "VOICECHAT_LOG_LEVEL": "ERROR",
        }
        environment.pop("DATABASE_URL", None)
        if database == "SQLite":
            yield environment
        else:
            with postgres_server() as url:
                yield environment | {"DATABASE_URL": url}


def _review(plan: Plan, database: str, environment: dict[str, str]) -> Reviewed:
    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command], env=environment, check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()

    run("manage.py", "migrate", "-v0")
    run("manage.py", "collectstatic", "--noinput", "-v0")
    began = time.perf_counter()
    size = ("--conversations", str(plan.conversations), "--turns", str(plan.turns))
    run("manage.py", "seed_conversations", *size)
    seeded_s = time.perf_counter() - began
    requests = json.loads(run("-m", "benchmarks.reviewing", str(plan.rounds)))
    return Reviewed(requests, seeded_s, _size_mb(database, environment))


def _size_mb(database: str, environment: dict[str, str]) -> float:
    if database == "SQLite":
        return Path(environment["VOICECHAT_DATA_DIR"], "db.sqlite3").stat().st_size / 1e6
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return float(row[0]) / 1e6 if row else float("nan")


def _tell_what_is_slow(database: str, reviewed: Reviewed) -> None:
    for request in reviewed.requests:
        if percentile(request["ms"], 95) > BUDGET_MS[request["page"]]:
            print(
                f"{database}, {request['page']}, {request['what']}: {request['queries']} queries, "
                f"of which {request['slowest_ms']:.0f} ms: {request['slowest_sql']}",
                file=sys.stderr,
            )


def _table(measured: dict[str, Reviewed]) -> str:
    lines = [
        f"| | {' | '.join(f'{name} p50 | p95' for name in measured)} | queries |",
        "|---|" + "---|" * (2 * len(measured) + 1),
    ]
    for same in zip(*(reviewed.requests for reviewed in measured.values()), strict=True):
        figures = " | ".join(
            f"{ms(percentile(request['ms'], 50))} | {ms(percentile(request['ms'], 95))}"
            for request in same
        )
        lines.append(f"| {same[0]['page']}: {same[0]['what']} | {figures} | {same[0]['queries']} |")
    lines += ["", f"| | {' | '.join(measured)} |", "|---|" + "---|" * len(measured)]
    seeded = (f"{reviewed.seeded_s:.0f} s" for reviewed in measured.values())
    sizes = (f"{reviewed.size_mb:.0f} MB" for reviewed in measured.values())
    lines += [f"| filled in | {' | '.join(seeded)} |", f"| size | {' | '.join(sizes)} |"]
    return "\n".join(lines)


def _plot(measured: dict[str, Reviewed]) -> None:
    """The slowest twentieth of every request, beside what is wanted."""
    figure, plots = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    for plot, (page, budget) in zip(plots, BUDGET_MS.items(), strict=True):
        for place, (name, colour) in enumerate(zip(measured, (OURS, THEIRS), strict=True)):
            requests = [each for each in measured[name].requests if each["page"] == page]
            values = [percentile(request["ms"], 95) for request in requests]
            places = np.arange(len(requests)) + 0.4 * place - 0.2
            plot.barh(places, values, 0.4, label=name, color=colour)
            plot.set_yticks(range(len(requests)), [request["what"] for request in requests])
        plot.axvline(budget, color=QUIET, linewidth=0.8)
        plot.invert_yaxis()
        plot.set(xlabel="ms, p95", title=page.capitalize())
    plots[0].legend(frameon=False)
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / "benchmark-review.png", dpi=130)
