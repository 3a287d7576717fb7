#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each public function can be called from each kind of callback: no call hangs, none
crashes, and nothing is called when the stream has stopped.  Watches calls-from-callbacks,
which does that; where a call did not come back it goes on with the next one in a new
process.

usage: test-calls-from-callbacks.py PROGRAM [--seed=N] [-m slow] [KIND...]

Without a seed all kinds are visited, first with all calls there are, then with some by
chance, whose seed is printed.
"""

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "project"))

import tap  # noqa: E402 pylint: disable=wrong-import-position

ARGUMENTS, OPTIONS = tap.read_arguments(sys.argv[1:])
PROGRAM = os.path.abspath(ARGUMENTS[0])
DEADLINE = 5.0 * float(os.environ.get("DS_TEST_PATIENCE", "1"))  # seconds a call
MAX_FAULTS = 20  # of one kind of callback, then it is given up


class Child:
    """A process that makes calls, FIRST and following, from one kind of callback."""

    def __init__(self, kind, first, seed, directory):
        self._pipe, other = os.pipe()
        self._data = b""
        self.last = "setting up"
        environment = dict(os.environ)
        environment.pop("G_DEBUG", None)  # criticals are answers here
        environment["TMPDIR"] = directory
        # Each process would sleep for a second, so that its threads can still meet a race.
        environment["TSAN_OPTIONS"] = environment.get("TSAN_OPTIONS", "") + ":atexit_sleep_ms=50"
        with open(os.path.join(directory, "errors"), "wb") as errors:
            self.process = subprocess.Popen([PROGRAM, kind, str(first), str(other), str(seed)], cwd=directory,
                                            env=environment, pass_fds=[other], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=errors)
        os.close(other)

    def watch(self):
        """The fault that it ended with, None when it went well."""
        while True:
            # Starting and ending take longer than a call.
            patience = DEADLINE if self.last[0].isdigit() else 6 * DEADLINE
            ready, _, _ = select.select([self._pipe], [], [], patience)
            if not ready:
                self.process.kill()
                self.process.wait()
                return f"hangs for {patience:.0f} s"
            piece = os.read(self._pipe, 65536)
            self._data += piece
            if not piece:
                break
            *lines, self._data = self._data.split(b"\n")
            if lines:
                self.last = lines[-1].decode()
        status = self.process.wait()
        if status < 0:
            return f"ends with {signal.Signals(-status).name}"
        if status > 0 or self.last != "ended":
            return f"ends with status {status}"
        return None

    def close(self):
        os.close(self._pipe)


def what_sanitizers_said(directory):
    with open(os.path.join(directory, "errors"), encoding="utf-8", errors="replace") as errors:
        lines = [line.rstrip() for line in errors if line.strip()]
    start = next((i for i, line in enumerate(lines) if "ERROR" in line or "Sanitizer" in line or "runtime error" in line), len(lines))
    return lines[start:][:12]


def find_faults(kind, seed):
    faults = []
    first = 0
    while len(faults) < MAX_FAULTS:
        directory = tempfile.mkdtemp(prefix="dstream-calls-")
        try:
            child = Child(kind, first, seed, directory)
            fault = child.watch()
            child.close()
            if fault is None:
                return faults
            faults.append("\n  ".join([f"{child.last}: {fault}"] + what_sanitizers_said(directory)))
            if not child.last[0].isdigit():
                return faults
            first = int(child.last.split()[0]) + 1
        finally:
            shutil.rmtree(directory, ignore_errors=True)
    return faults + ["and maybe more"]


def test_kind(kind, seed):
    faults = find_faults(kind, seed)
    tap.check(not faults, "\n".join(faults + [f"--seed={seed} {kind}"]))


def listed(what):
    lines = subprocess.run([PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[1:] for line in lines if line.startswith(what + " ")]


def test_leaves_nothing_behind():
    """By hand it runs in any folder."""
    directory = tempfile.mkdtemp(prefix="dstream-calls-")
    try:
        child = Child(KINDS[0], 0, 0, directory)
        fault = child.watch()
        child.close()
        left = [name for name in os.listdir(directory) if name != "errors"]
        tap.check(fault is None and not left, f"{fault}; left in its folder: {left}")
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_all_types():
    have = {c_type for _, c_type in listed("kind")}
    missing = [c_type for (c_type,) in listed("type") if c_type not in have]
    tap.check(not missing, f"no kind of callback in callbacks-*.c is of the type {', '.join(missing)}: add one")


def test_all_functions():
    problems = [" ".join(problem) for problem in listed("problem")]
    tap.check(not problems, "\n".join(problems))


if __name__ == "__main__":
    WANTED = ARGUMENTS[1:]
    if OPTIONS.seed is None:
        CHANCE = random.randrange(1, 2**32)
    else:
        CHANCE = int(OPTIONS.seed) if OPTIONS.seed.isdigit() else zlib.crc32(OPTIONS.seed.encode())
    KINDS = [kind for kind, _ in listed("kind") if not WANTED or kind in WANTED]
    print(f"# random seed: {CHANCE}")
    tap.run([("/behaviour/calls/each-public-function-is-called", test_all_functions),
             ("/behaviour/calls/nothing-is-left-behind", test_leaves_nothing_behind),
             ("/behaviour/calls/each-type-of-function-has-a-kind-of-callback", test_all_types)] +
            [(f"/behaviour/calls/from/{kind}", lambda kind=kind: test_kind(kind, 0)) for kind in KINDS
             if OPTIONS.seed is None] +
            [(f"/behaviour/calls/by-chance-from/{kind}", lambda kind=kind: test_kind(kind, CHANCE))
             for kind in KINDS])
