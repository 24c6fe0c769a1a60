"""The dashboard and the alerts that ship ask for figures that a server really has."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from .e2e.person import guest_cookies, person
from .services import ROOT, VoicechatServer, voicechat_server

DASHBOARD = json.loads((ROOT / "deploy/grafana/voicechat.json").read_text())
ALERTS = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
SCRAPE = yaml.safe_load((ROOT / "deploy/prometheus/scrape.yml").read_text())
WATCHING = (ROOT / "docs/watching.md").read_text()

PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
# What Prometheus itself knows of each target.
OF_TARGETS = {"up"}
LABELS_OF_TARGETS = {"job", "instance"}
DURATION = re.compile(r"\d+[smhd]")


def parsed(expr: str) -> promql_parser.Expr:
    """Raises ``ValueError`` where Prometheus would; Grafana's variables stand for what they become."""
    return promql_parser.parse(expr.replace("$__rate_interval", "1m").replace("$instance", ".*"))


def selectors(expr: str) -> Iterator[promql_parser.VectorSelector]:
    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    found: list[promql_parser.VectorSelector] = []
    promql_parser.walk(parsed(expr), visit)
    assert found, expr
    return iter(found)


EXPRESSIONS = [
    *(target["expr"] for panel in PANELS for target in panel["targets"]),
    *(rule["expr"] for rule in RULES),
]


Samples = dict[str, list[dict[str, str]]]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory, redis_server: str) -> Samples:
    """The labels of each sample by its name, of a server that has answered a turn aloud."""

    async def answer_and_scrape(server: VoicechatServer) -> str:
        cookies = await guest_cookies(server.url)
        async with person(server.socket_url, cookies, origin=server.url) as guest:
            await guest.hello(audio=True)
            assert (await guest.ask("hello"))["status"] == "done"
            async with httpx.AsyncClient() as prometheus:
                return (await prometheus.get(f"{server.url}/metrics")).text

    folder = tmp_path_factory.mktemp("scraped")
    # An engine that is out of reach, so that there is a breaker.
    engines = {"VOICECHAT_TTS": "gtts,espeak", "VOICECHAT_GTTS_URL": "http://127.0.0.1:9"}
    with voicechat_server(folder, {"REDIS_URL": redis_server, **engines}) as server:
        text = asyncio.run(answer_and_scrape(server))
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        # One that nothing has happened to yet has a name and no samples.
        suffix = "_total" if family.type == "counter" else ""
        found.setdefault(family.name + suffix, [])
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_every_figure_that_is_asked_for_is_there(samples: Samples, expr: str) -> None:
    for selector in selectors(expr):
        if selector.name in OF_TARGETS:
            continue
        assert selector.name in samples
        for matcher in selector.matchers.matchers:
            if matcher.name in LABELS_OF_TARGETS or not samples[selector.name]:
                continue
            values = {labels.get(matcher.name) for labels in samples[selector.name]}
            if matcher.op == promql_parser.MatchOp.Equal:
                assert matcher.value in values
            elif matcher.op == promql_parser.MatchOp.Re:
                assert set(matcher.value.split("|")) <= values
            else:
                assert None not in values


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_sums_and_legends_go_by_labels_that_the_figures_have(samples: Samples, expr: str) -> None:
    grouped = {label for by in re.findall(r"by \(([^)]*)\)", expr) for label in by.split(", ")}
    had = {
        label
        for selector in selectors(expr)
        for labels in samples.get(selector.name, [])
        for label in labels
    }
    empty = any(not samples.get(selector.name) for selector in selectors(expr))
    assert empty or grouped <= had | LABELS_OF_TARGETS


def test_every_figure_of_ours_is_on_the_dashboard_and_explained(samples: Samples) -> None:
    shown = {selector.name for expr in EXPRESSIONS for selector in selectors(expr)}
    for name in samples:
        if not name.startswith("voicechat_") or name.endswith("_created"):
            continue
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        assert any(one.startswith(family) for one in shown), name
        assert f"`{family}`" in WATCHING, name


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert panel["description"]
    assert panel["datasource"]["uid"] == "${datasource}"
    ids = [target["refId"] for target in panel["targets"]]
    assert len(set(ids)) == len(ids) > 0
    # Every label of a legend is one that the sum leaves.
    for target in panel["targets"]:
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            by = re.search(r"by \(([^)]*)\)", target["expr"])
            assert label in (by.group(1).split(", ") if by else LABELS_OF_TARGETS)


def test_no_panels_lie_upon_each_other() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for one, other in combinations(DASHBOARD["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        below = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or below, (one["title"], other["title"])
        assert a["x"] + a["w"] <= 24


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
    assert DURATION.fullmatch(rule["for"])
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary", "description"}
    assert f"**{rule['alert']}**" in WATCHING
    # It is a condition, and so no series where all is well.
    assert re.search(r"[<>=]=? ?[\d.]", rule["expr"])
    # What the summary names is a label that the expression leaves.
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    by = re.search(r"by \(([^)]*)\)", rule["expr"])
    if re.match(r"(sum|max|histogram_quantile)\b", rule["expr"]):
        assert named <= set(by.group(1).split(", ") if by else ())


def test_the_alerts_have_names_of_their_own() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_prometheus_asks_each_instance_with_the_token() -> None:
    [job] = SCRAPE["scrape_configs"]
    assert job["job_name"] == "voicechat"
    assert job["metrics_path"] == "/metrics"
    assert job["authorization"]["type"] == "Bearer"
    assert SCRAPE["rule_files"] == ["alerts.yml"]
    # The name that alerts and dashboard know it by.
    assert all('job="voicechat"' in expr for expr in EXPRESSIONS if re.search(r"\bup\b", expr))
