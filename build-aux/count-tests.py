#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Counts single tests, not programs, and shows those that failed.

Reads the log that `meson test` wrote (one JSON object a line, meson-logs/NAME.json) and
counts the TAP results inside; with --conformance the output of the conformance program;
with --bench the lines of bench/run.  Appends "PASSED FAILED SKIPPED" to the file given
by --totals and exits with 1 when something failed.  --save keeps what every test printed,
which meson's own log mixes with the environment.
"""

import argparse
import json
import re
import sys

# "    ok 3 - /base/value/hash # SKIP reason"; GLib before 2.76 writes no dash.
TAP_LINE = re.compile(r"^(\s*)(not )?ok\b\s*(?:\d+)?\s*(?:- )?\s*(.*?)\s*(?:#\s*(SKIP|TODO)\b\s*(.*))?$",
                      re.IGNORECASE)
CONFORMANCE_LINE = re.compile(r"^(ok|not ok|skip) (.+?)(?: # (.*))?$")
LOG_LINES = 60


class Tally:
    def __init__(self):
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


def tally_tap(text, program):
    """The leaves of TAP: a line that only sums up an indented part before it is none."""
    tally = Tally()
    inner_depth = None
    n_lines = 0
    for line in text.splitlines():
        match = TAP_LINE.match(line)
        if match is None:
            continue
        depth = len(match.group(1))
        is_summary = inner_depth is not None and depth < inner_depth
        inner_depth = depth if not is_summary or depth > 0 else None
        if is_summary:
            continue
        n_lines += 1
        name = f"{program}: {match.group(3)}"
        directive = (match.group(4) or "").upper()
        if directive in ("SKIP", "TODO"):
            tally.skipped.append((name, match.group(5) or ""))
        elif match.group(2):
            tally.failed.append(name)
        else:
            tally.passed += 1
    return tally, n_lines


def show_log(text):
    lines = text.rstrip().splitlines()
    if len(lines) > LOG_LINES:
        print(f"    ... ({len(lines) - LOG_LINES} lines before these)")
    for line in lines[-LOG_LINES:]:
        print(f"    {line}")


def tally_meson(path, save):
    total = Tally()
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if not line.strip():
                continue
            test = json.loads(line)
            program = test["name"]
            output = test.get("stdout") or ""
            tally, n_lines = tally_tap(output, program)
            result = test["result"]
            if save is not None:
                save.write(f"=== {program}: {result}, {test.get('duration', 0):.2f} s\n{output}{test.get('stderr') or ''}\n")
            good = result in ("OK", "EXPECTEDFAIL", "SKIP")
            if n_lines == 0:
                # No TAP: the program is the test.
                if result == "SKIP":
                    tally.skipped.append((program, ""))
                elif good:
                    tally.passed += 1
            if not good and not tally.failed:
                tally.failed.append(f"{program}: {result.lower()}, exit status {test.get('returncode')}")
            if tally.failed:
                print(f"  Failed: {program}, run as {' '.join(test.get('command', []))}")
                show_log(output + (test.get("stderr") or ""))
            total.add(tally)
    return total


def tally_conformance(path):
    total = Tally()
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            match = CONFORMANCE_LINE.match(line.rstrip("\n"))
            if match is None:
                continue
            if match.group(1) == "ok":
                total.passed += 1
            elif match.group(1) == "skip":
                total.skipped.append((match.group(2), match.group(3) or ""))
            else:
                total.failed.append(match.group(2) + (f" ({match.group(3)})" if match.group(3) else ""))
    return total


def tally_bench(path, floors_count):
    """One test a case: its result was verified; with @floors_count it also met its floor."""
    total = Tally()
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            if not line.startswith("{"):
                continue
            case = json.loads(line)
            if not case.get("verified", False):
                total.failed.append(f"{case['case']}: {case.get('error', 'wrong result')}")
            elif not case["ok"] and floors_count:
                total.failed.append(f"{case['case']}: below its floor")
            else:
                if not case["ok"]:
                    print(f"  Below its floor, which is no failure in the quick run: {case['case']}")
                total.passed += 1
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--conformance", action="store_true")
    kind.add_argument("--bench", choices=["quick", "full"])
    parser.add_argument("--totals", required=True, help="file to append the counts to")
    parser.add_argument("--save", metavar="FILE", help="where the output of all tests goes")
    parser.add_argument("log")
    options = parser.parse_args()

    if options.conformance:
        total = tally_conformance(options.log)
    elif options.bench:
        total = tally_bench(options.log, options.bench == "full")
    elif options.save is not None:
        with open(options.save, "w", encoding="utf-8") as save:
            total = tally_meson(options.log, save)
    else:
        total = tally_meson(options.log, None)

    if total.passed + len(total.failed) + len(total.skipped) == 0:
        total.failed.append(f"no test ran ({options.log})")
    with open(options.totals, "a", encoding="utf-8") as totals:
        totals.write(f"{total.passed} {len(total.failed)} {len(total.skipped)}\n")
    print(f"  {total.passed} passed, {len(total.failed)} failed, {len(total.skipped)} skipped")
    for name in total.failed:
        print(f"  not ok {name}")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
