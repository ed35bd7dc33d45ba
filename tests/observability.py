#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scrape is what Prometheus takes, the rules go off when they should, and every metric that rules and dashboard name is
one of the table. What a rule wants to see rising is there before a worker's first job.

usage: observability.py ROOT PROMTOOL UNIT_METRICS VIDRIERA
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

root, promtool, unit_metrics, vidriera = sys.argv[1:]
folder = pathlib.Path(root, "docker/observability")
wrong = []


def check(what, ok):
    if not ok:
        wrong.append(what)


def run(*arguments, **options):
    done = subprocess.run([promtool, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    check(f"promtool {' '.join(arguments)}:\n{done.stdout}", done.returncode == 0)


def read(name):
    return (folder / name).read_text(encoding="utf-8")


def series_of(scrape):
    """What a query can name."""
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", scrape, re.M):
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


def labels_of(scrape):
    """The labels of each series, `instance` and `job`, which Prometheus adds, among them."""
    labels = {}
    for name, inside in re.findall(r"^(\w+)(?:\{(.*)\})? \S+$", scrape, re.M):
        labels.setdefault(name, {"instance", "job"}).update(re.findall(r'(?:^|,)(\w+)="', inside))
    return labels


def expressions(dashboard):
    for panel in dashboard["panels"]:
        check(f"panel {panel['title']}: no description", panel["description"])
        for target in panel["targets"]:
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        yield variable.get("definition", "")


def named(where, text, series, labels):
    for name in re.findall(r"\bvidriera_\w+", text):
        check(f"{where}: {name} is not in the table", name in series)
    for name, inside in re.findall(r"\b(vidriera_\w+)\{([^}]*)\}", text):
        for label in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', inside):
            check(f"{where}: {name} has no label {label}", label in labels.get(name, set()))


def parse(queries):
    """As rules, which promtool parses; JSON is YAML."""
    rules = [{"record": f"query:{i}", "expr": re.sub(r"\$__rate_interval", "5m", query)} for i, query in enumerate(queries)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, file)
        file.flush()
        run("check", "rules", file.name)


def first_scrape(seconds=120):
    """Of a worker that has its device, and no job yet."""
    with tempfile.TemporaryDirectory(prefix="vidriera-observability-") as data:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("VIDRIERA_", "NOTIFY_"))}
        env |= {"VIDRIERA_DATA": data, "VIDRIERA_DEVICE": "cpu", "VIDRIERA_WORKER_SLOTS": "1",
                "VIDRIERA_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "VIDRIERA_HTTP_LISTEN": "127.0.0.1:0"}
        log = pathlib.Path(data, "log")
        with open(log, "wb") as stderr, subprocess.Popen([vidriera, "worker"], env=env, stdin=subprocess.DEVNULL, stderr=stderr) as worker:
            until = time.monotonic() + seconds
            try:
                while time.monotonic() < until and worker.poll() is None:
                    page = re.search(r"the page: (http://[0-9.:]+)", log.read_text(encoding="utf-8"))
                    text = urllib.request.urlopen(f"{page.group(1)}/metrics", timeout=seconds).read().decode() if page else ""
                    if "vidriera_backend_info{" in text:
                        return text
                    time.sleep(0.05)
            finally:
                worker.kill()
        check(f"no scrape of a worker: {log.read_text(encoding='utf-8')}", False)
        return ""


scrape = subprocess.run([unit_metrics, "--print"], stdout=subprocess.PIPE, text=True, check=True).stdout
series, labels = series_of(scrape), labels_of(scrape)
check("the scrape has nearly nothing in it", len(series) > 20)
run("check", "metrics", input=scrape)
run("check", "config", "prometheus.yml")
run("check", "config", "prometheus-compose.yml")
run("check", "rules", "alerts.yml")
run("test", "rules", "alerts_test.yml")

rules, tests = read("alerts.yml"), read("alerts_test.yml")
dashboard = json.loads(read("grafana/dashboards/vidriera.json"))
named("alerts.yml", rules, series, labels)
named("alerts_test.yml", tests, series, labels)
for expression in expressions(dashboard):
    named("dashboard", expression, series, labels)
parse([target["expr"] for panel in dashboard["panels"] for target in panel["targets"]])
shown = " ".join(expressions(dashboard))
for name in series:
    check(f"{name} is not in the dashboard", re.sub("_(sum|count)$", "_bucket", name) in shown)

begins = first_scrape()
rising = re.findall(r"\bincrease\((\w+)", rules)
check("no alert waits for a rise", rising)
for name in rising:
    check(f"{name}: a worker without a job does not print it, so that its first rise is none", re.search(rf"^{name}[{{ ]", begins, re.M))

alerts = re.split(r"^ *- alert: ", rules, flags=re.M)[1:]
check("there are no alerts", alerts)
for alert in alerts:
    name = alert.split()[0]
    for part in ("summary:", "description:", "severity:"):
        check(f"{name}: no {part}", part in alert)
    check(f"{name}: no test of when it goes off", len(re.findall(rf"\b{name}\b", tests)) > 1)

for line in wrong:
    print(line, file=sys.stderr)
sys.exit(1 if wrong else 0)
