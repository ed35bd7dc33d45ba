#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the examples of unit/orders.json as inputs of fuzz/order.c.

usage: seeds.py ORDERS FOLDER
"""

import json
import pathlib
import sys

orders, folder = map(pathlib.Path, sys.argv[1:])
folder.mkdir(parents=True, exist_ok=True)
for number, row in enumerate(json.loads(orders.read_text(encoding="utf-8"))):
    headers = "".join(f"{name}: {value}\n" for name, value in row.get("headers", {}).items())
    body = row.get("order", row.get("message"))
    text = row["text"] if body is None else json.dumps(body, ensure_ascii=False)
    (folder / f"{number:03}").write_text(headers + "\n" * bool(headers) + text, encoding="utf-8")
