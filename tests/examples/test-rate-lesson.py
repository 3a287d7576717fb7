#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""rate-lesson teaches what it says: without back-pressure batches are full and late, with it
they become small and come in time.  It runs in real time, on whatever machine, so only the
difference between its two halves is looked at.

usage: test-rate-lesson.py PROGRAM
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "project"))

import tap  # noqa: E402
import transcript  # noqa: E402

PROGRAM = os.path.abspath(tap.read_arguments(sys.argv[1:])[0][0])
N_BATCHES = 30
FULL = 400  # records, of a batch at the rate of the source
HALVES = re.compile(r"Without back-pressure\n.*\n((?:.*\n){%d})With back-pressure\n.*\n((?:.*\n){%d})\Z"
                    % (N_BATCHES, N_BATCHES))
LINE = re.compile(r" *(\d+) +(\d+) +(-?\d+) ms +(\d+) ms")


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=120)


def parse(half):
    lines = [LINE.fullmatch(line) for line in half.splitlines()]
    tap.check(all(lines), f"a line is no line of a table:\n{half}")
    return [tuple(int(group) for group in line.groups()) for line in lines]


def mean(values):
    return sum(values) / len(values)


def test_lesson():
    result = run(str(N_BATCHES))
    said = transcript.without_note(result.stderr).splitlines()
    # Its receiver is faster than its batches, and it does not wait in the end.
    tap.check(result.returncode == 0 and all("The stop did not wait for all that was received" in line for line in said),
              f"status {result.returncode}: {result.stderr}")
    halves = HALVES.match(result.stdout)
    tap.check(halves, f"not two tables of {N_BATCHES} batches:\n{result.stdout}")
    without, with_it = parse(halves.group(1)), parse(halves.group(2))
    for half in (without, with_it):
        tap.check([line[0] for line in half] == list(range(1, N_BATCHES + 1)), "batches are not in order")
        tap.check(all(line[1] <= FULL for line in half), f"a batch has more than {FULL} records:\n{result.stdout}")
    late_without, late_with = (mean([line[2] for line in half[-10:]]) for half in (without, with_it))
    print(f"# the last ten batches were late by {late_without:.0f} ms without and {late_with:.0f} ms with back-pressure")
    tap.check(max(line[1] for line in with_it[-10:]) < FULL, f"a batch was full with it:\n{result.stdout}")
    tap.check(late_with < late_without, result.stdout)


def test_wrong_command_line():
    for arguments in (["0"], ["-3"], ["x"], ["1", "2"]):
        result = run(*arguments)
        tap.check(result.returncode == 2 and "usage:" in result.stderr, f"{arguments}: status {result.returncode}")


if __name__ == "__main__":
    tap.run([
        ("/examples/rate-lesson/back-pressure-makes-the-difference", test_lesson),
        ("/examples/rate-lesson/wrong-command-lines-are-refused", test_wrong_command_line),
    ])
