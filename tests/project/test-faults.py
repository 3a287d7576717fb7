#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests that docs/reliability.md names, fault by fault, are there."""

import os
import re

import tap

ROW = re.compile(r"^\| ([A-D]\d+) \|.*\| ([^|]+) \|$", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")
ROWS = [f"A{i}" for i in range(1, 18)] + [f"B{i}" for i in range(1, 18)] + [f"C{i}" for i in range(1, 25)] + \
       [f"D{i}" for i in range(1, 16)]


def find_rows(text):
    """[(row, [name])]"""
    return [(row, NAME.findall(cell)) for row, cell in ROW.findall(text)]


def find_programs(names):
    """Program without "test-" and ending -> paths."""
    programs = {}
    for path in names:
        stem = os.path.splitext(os.path.basename(path))[0]
        if stem.startswith("test-"):
            programs.setdefault(stem[len("test-"):], []).append(path)
    return programs


def is_there(name, programs, read):
    if name.startswith(("tests/", "bench/")):
        return os.path.exists(os.path.join(tap.SOURCE_ROOT, name.split()[0]))
    if name.startswith("-"):
        return True
    program, _, case = name.partition("/")
    return any(not case or case in read(path) for path in programs.get(program, []))


def test_named_tests_are_there():
    programs = find_programs(tap.list_files(("tests",), (".c", ".py")))
    programs["simulation"] = ["tests/simulation/ds-simulation.c"]
    programs["socket-log"] = ["tests/crash/workloads/socket-log.c"]
    rows = find_rows(tap.read_file("docs/reliability.md"))
    missing = [f"{row} {name}" for row, names in rows for name in names if not is_there(name, programs, tap.read_file)]
    tap.check([row for row, _ in rows] == ROWS, f"the rows are {', '.join(row for row, _ in rows)}")
    tap.check(all(names for _, names in rows), "a row names no test")
    tap.check(not missing, f"not in tests/: {', '.join(missing)}")


def test_missing_ones_are_found():
    rows = find_rows("| A1 | kill | goes on | `plain`, `plain/case`, `plain/none`, `none` |\n| row | x | y | z |\n")
    found = [name for _, names in rows for name in names
             if not is_there(name, {"plain": ["p"]}, lambda path: 'ADD ("case", f)')]
    tap.check(found == ["plain/none", "none"], f"found {found}")


if __name__ == "__main__":
    tap.run([
        ("/project/faults/named-tests-are-there", test_named_tests_are_there),
        ("/project/faults/missing-ones-are-found", test_missing_ones_are_found),
    ])
