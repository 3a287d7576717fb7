#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The HTML reference: gi-docgen has nothing to complain about, and each public function has
its page.

usage: test-reference.py [GIR_FILE REFERENCE_FOLDER]      (else all is skipped)
"""

import html
import os
import re
import subprocess
import sys

import public_api
import tap

ARGUMENTS, _ = tap.read_arguments(sys.argv[1:])
GIR, REFERENCE = ARGUMENTS[:2] if len(ARGUMENTS) > 1 else (None, None)
# What the settings of the reference hide.
HIDDEN = {"ds_assertion_block", "ds_pair_slow"}


def need_reference():
    if REFERENCE is None:
        raise tap.Skip("built without -Ddocs=enabled")


def page(name):
    with open(os.path.join(REFERENCE, name), encoding="utf-8") as file:
        return html.unescape(re.sub(r"<[^>]*>", "", file.read()))


def test_no_warning():
    need_reference()
    settings = os.path.join(os.path.dirname(REFERENCE), "reference.toml")
    result = subprocess.run(["gi-docgen", "check", "--quiet", "--fatal-warnings", "--config", settings, GIR],
                            capture_output=True, text=True, check=False)
    tap.check(result.returncode == 0 and "WARNING" not in result.stdout + result.stderr,
              f"gi-docgen check, status {result.returncode}:\n{result.stdout}{result.stderr}")


def test_each_function():
    need_reference()
    text = "".join(page(name) for name in os.listdir(REFERENCE) if re.match(r"(ctor|method|type_func|func)\.", name))
    described = set(re.findall(r"\b(ds_\w+) \(", text))
    expected = {name for name in public_api.exported_functions() - HIDDEN if not name.endswith("_get_type")}
    missing = sorted(expected - described)
    tap.check(len(expected) > 100 and not missing, f"no page for {', '.join(missing)}")


def test_each_inline_function():
    need_reference()
    described = set(re.findall(r"^\s*(ds_\w+) \(\)", page("values.html"), re.MULTILINE))
    missing = sorted(public_api.inline_functions() - described)
    tap.check(not missing, f"values.html does not describe {', '.join(missing)}")


def test_front_page():
    need_reference()
    text = page("index.html")
    for words in ("Where to look", "Values", "StreamingContext"):
        tap.check(words in text, f"index.html does not name {words}")


if __name__ == "__main__":
    tap.run([
        ("/project/reference/gi-docgen-has-nothing-to-say", test_no_warning),
        ("/project/reference/each-public-function-has-a-page", test_each_function),
        ("/project/reference/each-inline-function-is-described", test_each_inline_function),
        ("/project/reference/the-front-page-leads-on", test_front_page),
    ])
