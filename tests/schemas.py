#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON Schemas say what the program does: the examples of unit/orders.json, which the unit test reads as well, are
taken and refused alike, and result documents of every status are valid.

usage: schemas.py ROOT VIDRIERA UNIT_RESULT
"""

import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile

from jsonschema import Draft202012Validator, ValidationError, validators

root, vidriera, unit_result = sys.argv[1:]
wrong = []


def pattern(validator, wanted, instance, schema):
    """ECMA 262, as JSON Schema has it, where $ is the very end; Python's also is before a last line feed."""
    if isinstance(instance, str) and not re.search(wanted.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} does not match {wanted!r}")


def schema(name):
    text = json.loads(pathlib.Path(root, "docs/schemas", name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(text)
    return validators.extend(Draft202012Validator, {"pattern": pattern})(text)


def check(what, ok):
    if not ok:
        wrong.append(what)


def orders():
    job = schema("vidriera.job.v1.json")
    rows = json.loads(pathlib.Path(root, "tests/unit/orders.json").read_text(encoding="utf-8"))
    rows = [row for row in rows if "order" in row]
    for row in rows:
        wanted = row.get("schema", row["ok"])
        check(f"order: {row['case']}: {'refused' if wanted else 'taken'}", job.is_valid(row["order"]) == wanted)
    check("order: hardly an example left", len(rows) > 50)


def process(folder, *arguments):
    done = subprocess.run([vidriera, "process", "--json", "--progress", "none", *arguments], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return json.loads(done.stdout)


def made_by_process(folder):
    source = ["-f", "lavfi", "-i", "testsrc=size=64x48:duration=0.2", "-f", "lavfi", "-i", "sine=duration=0.2"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "in.mp4"], cwd=folder, check=True)
    pathlib.Path(folder, "text.mp4").write_text("text", encoding="utf-8")
    yield "completed", process(folder, "in.mp4", "--split", "0.3333")
    yield "failed", process(folder, "text.mp4")
    yield "rejected", process(folder, "none.mp4")


def printed():
    lines = subprocess.run([unit_result, "--print"], stdout=subprocess.PIPE, check=True).stdout.splitlines()
    return [(document["status"], document) for document in map(json.loads, lines)]


def members(instance, path=()):
    """Every member of every object, but of meta, which is the producer's."""
    for name, value in instance.items():
        yield path, name
        if isinstance(value, dict) and name != "meta":
            yield from members(value, (*path, name))


def at(document, path):
    for name in path:
        document = document[name]
    return document


def results():
    result = schema("vidriera.result.v1.json")
    with tempfile.TemporaryDirectory() as folder:
        documents = [*made_by_process(folder), *printed()]
    for status, document in documents:
        check(f"result: {document['status']}, wanted {status}", document["status"] == status)
        for error in result.iter_errors(document):
            wrong.append(f"result: {status}: {error.json_path}: {error.message}")
    statuses = {status for status, _ in documents}
    check(f"result: statuses {statuses}", statuses == {"completed", "failed", "rejected", "cancelled"})
    # A document that lacks a member, has another, or one of another kind, is none.
    complete = documents[0][1]
    for path, name in members(complete):
        for change in "lacks", "is a list of numbers", "is beside another":
            changed = copy.deepcopy(complete)
            owner = at(changed, path)
            if change == "lacks" and path != ("input",):
                del owner[name]
            elif change == "is beside another":
                owner[name + "_"] = owner[name]
            else:
                owner[name] = [1]
            check(f"result: valid when {'.'.join((*path, name))} {change}", not result.is_valid(changed))


orders()
results()
for line in wrong:
    print(line)
sys.exit(bool(wrong))
