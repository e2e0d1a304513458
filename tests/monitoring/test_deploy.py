"""The Grafana dashboard and the alert rules ask for metrics and labels that there are, and name commands that work."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from mailer.monitoring.catalogue import GAUGES, OF_PROCESS
from tests.house.reference import commands
from tests.house.tree import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/mailer.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
EVERY = [*QUERIES, *((rule["alert"], rule["expr"]) for rule in RULES)]

#: What Prometheus and its client library know by themselves.
FOREIGN = {"up": {"job", "instance"}, "process_resident_memory_bytes": {"instance"}}
LABELS: dict[str, set[str]] = {
    **{name: set(metric.labels) for name, metric in GAUGES.items()},
    **{name: set(metric.labels) for name, metric in OF_PROCESS.items()},
    "mailer_http_request_seconds_bucket": {"route", "le"},
    **FOREIGN,
}
#: Words of the query language; what follows `by` are labels.
_WORDS = frozenset(
    "sum min max rate delta increase topk histogram_quantile by on and or without group_left m h d s".split()
)
_STRING = re.compile(r'"[^"]*"')
_GROUPING = re.compile(r"\b(?:by|on|without)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")


def metrics_of(expr: str) -> set[str]:
    """The metrics that a query names."""
    bare = _GROUPING.sub(" ", re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", _STRING.sub('""', expr)))
    return set(re.findall(r"\b[a-z_]{2,}\b", bare)) - _WORDS


def labels_of(expr: str) -> set[tuple[str, str]]:
    """Metric and label, wherever a query selects by one."""
    found = _SELECTOR.findall(_STRING.sub('""', expr))
    return {(metric, label) for metric, inside in found for label in _MATCHER.findall(inside)}


@pytest.mark.parametrize(("title", "expr"), EVERY)
def test_every_query_names_metrics_and_labels_that_there_are(title: str, expr: str) -> None:
    named = metrics_of(expr)
    assert named
    assert named <= LABELS.keys(), title
    for metric, label in labels_of(expr):
        assert label in LABELS[metric], f"{title}: {metric} has no label {label}"
    grouped = {
        label.strip() for inside in _GROUPING.findall(_STRING.sub('""', expr)) for label in inside.split(",")
    }
    assert grouped <= set().union(*(LABELS[name] for name in named)) | {"instance"}, title


def test_a_query_of_a_metric_that_is_gone_would_be_found() -> None:
    assert metrics_of('max by (a) (mailer_gone{x="y"}) / 5 > 3') == {"mailer_gone"}
    assert labels_of('mailer_gone{x="}",z=~"40[13]"}[5m]') == {("mailer_gone", "x"), ("mailer_gone", "z")}


def test_every_gauge_is_on_the_dashboard() -> None:
    shown = set().union(*(metrics_of(expr) for _, expr in QUERIES))
    assert GAUGES.keys() - shown == set()


def test_panels_have_a_word_of_explanation_and_places_of_their_own() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    assert all(panel["description"] and panel["title"] for panel in PANELS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_says_how_grave_it_is_what_it_means_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["action"]
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))


def test_rules_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)


def test_the_scrape_example_is_yaml_and_asks_the_port_of_the_pages() -> None:
    example = yaml.safe_load((ROOT / "deploy/prometheus/scrape.yml").read_text(encoding="utf-8"))
    assert example["scrape_configs"][0]["static_configs"][0]["targets"] == ["127.0.0.1:8025"]


def test_proxies_pass_no_figures_on_and_let_large_calls_of_providers_in() -> None:
    nginx = (ROOT / "deploy/nginx.conf").read_text(encoding="utf-8")
    assert re.search(r"location = /metrics \{\s*return 404;", nginx)
    assert re.search(r"location /hooks/ \{\s*client_max_body_size 1m;", nginx)
    caddy = (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8")
    assert "respond /metrics 404" in caddy
    assert "max_size 1MB" in caddy


def test_the_page_for_ops_explains_every_metric() -> None:
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    for name, metric in {**GAUGES, **OF_PROCESS}.items():
        assert f"| `{name}` | {', '.join(metric.labels)} | {metric.help} |" in page


def test_commands_that_rules_recommend_exist() -> None:
    known = {name for name, _ in commands()}
    for rule in RULES:
        for named in re.findall(r"`(mailer(?: [a-z]+)+)", rule["annotations"]["action"]):
            assert named in known, f"{rule['alert']}: {named}"
