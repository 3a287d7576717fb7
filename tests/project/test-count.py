#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""./check counts right: single tests, not programs, and nothing that failed gets lost."""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile

import tap

SCRIPT = os.path.join(tap.SOURCE_ROOT, "build-aux", "count-tests.py")
spec = importlib.util.spec_from_file_location("count_tests", SCRIPT)
count_tests = importlib.util.module_from_spec(spec)
spec.loader.exec_module(count_tests)


def count(lines, *arguments):
    """What the script writes into its totals, and its exit status."""
    with tempfile.TemporaryDirectory(prefix="dstream-count-") as directory:
        log = os.path.join(directory, "log")
        totals = os.path.join(directory, "totals")
        with open(log, "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        result = subprocess.run([sys.executable, SCRIPT, "--totals", totals, *arguments, log],
                                capture_output=True, text=True, check=False)
        tap.check(os.path.exists(totals), result.stderr)
        with open(totals, encoding="utf-8") as file:
            return file.read().strip(), result.returncode, result.stdout


def program(name, result, stdout, status=0):
    return json.dumps({"name": name, "result": result, "stdout": stdout, "returncode": status,
                       "command": [name]})


def test_single_tests():
    good = program("a", "OK", "1..3\nok 1 /a/x\nok 2 /a/y\nok 3 /a/z # SKIP not here\n")
    bad = program("b", "FAIL", "1..2\nok 1 /b/x\nnot ok 2 /b/y\n", 1)
    totals, status, output = count([good, bad])
    tap.check((totals, status) == ("3 1 1", 1), f"{totals}, status {status}")
    tap.check("not ok b: /b/y" in output, f"the failed test is not named:\n{output}")


def test_crash():
    crashed = program("c", "ERROR", "1..3\nok 1 /c/x\n", -11)
    late = program("d", "TIMEOUT", "", 1)
    totals, status, _ = count([crashed, late])
    tap.check((totals, status) == ("1 2 0", 1), f"{totals}, status {status}")


def test_leak():
    leaky = program("e", "ERROR", "1..1\nok 1 /e/x\n", 23)
    totals, status, _ = count([leaky])
    tap.check((totals, status) == ("1 1 0", 1), f"{totals}, status {status}")


def test_plain_program():
    totals, status, _ = count([program("f", "OK", ""), program("g", "SKIP", "", 77)])
    tap.check((totals, status) == ("1 0 1", 0), f"{totals}, status {status}")


def test_nested():
    text = """TAP version 13
# Subtest: a
    ok 1 - x
    # Subtest: b
        ok 1 - y
        not ok 2 - z
        1..2
    not ok 2 - b
    1..2
not ok 1 - a
ok 2 - top
1..2
"""
    tally, _ = count_tests.tally_tap(text, "p")
    tap.check((tally.passed, tally.failed) == (3, ["p: z"]), f"{tally.passed} passed, failed: {tally.failed}")


def test_nothing_ran():
    totals, status, _ = count([])
    tap.check((totals, status) == ("0 1 0", 1), f"{totals}, status {status}")


def test_conformance():
    totals, status, _ = count(["ok map of ints", "skip window # no windows yet", "not ok union # got 1",
                               "elementwise.json: 1 ok, 1 not ok, 1 skipped"], "--conformance")
    tap.check((totals, status) == ("1 1 1", 1), f"{totals}, status {status}")


def test_bench():
    wrong = json.dumps({"case": "x", "verified": False, "ok": False, "error": "counted 1 instead of 2"})
    slow = json.dumps({"case": "y", "verified": True, "ok": False})
    totals, status, _ = count([wrong, slow], "--bench", "quick")
    tap.check((totals, status) == ("1 1 0", 1), f"quick: {totals}, status {status}")
    totals, status, _ = count([slow], "--bench", "full")
    tap.check((totals, status) == ("0 1 0", 1), f"full: {totals}, status {status}")


if __name__ == "__main__":
    tap.run([
        ("/project/count/single-tests-are-counted", test_single_tests),
        ("/project/count/a-crash-or-timeout-is-a-failure", test_crash),
        ("/project/count/a-failure-after-the-last-test-counts", test_leak),
        ("/project/count/a-program-without-tap-is-one-test", test_plain_program),
        ("/project/count/sums-of-nested-tests-are-not-counted", test_nested),
        ("/project/count/nothing-at-all-is-a-failure", test_nothing_ran),
        ("/project/count/conformance-lines-are-counted", test_conformance),
        ("/project/count/benchmarks-are-verified", test_bench),
    ])
