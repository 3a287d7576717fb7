#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tests/crash/run keeps to its time, by a clock and with states of the test's own."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys

import tap

PATH = os.path.join(tap.SOURCE_ROOT, "tests", "crash", "run")


class Clock:
    """A state takes a second."""
    now = 0

    def monotonic(self):
        return self.now


class Lab:
    n_states = 0
    n_recoveries = 0


class Settings:
    seed = 1
    sizes = None


class Pool:
    @staticmethod
    def imap_unordered(func, tasks, chunksize):
        return [func(task) for task in tasks]


def load():
    """The harness, with tasks of 100 states."""
    sys.path.insert(0, os.path.dirname(PATH))
    loader = importlib.machinery.SourceFileLoader("crash_run", PATH)
    harness = importlib.util.module_from_spec(importlib.util.spec_from_loader("crash_run", loader))
    loader.exec_module(harness)
    harness.time = Clock()
    harness.lab = Lab()
    harness.settings = Settings()

    def work(lab, _sizes, _seed, task):
        for i in range(100):
            harness.time.now += 1
            lab.n_states += 1
            yield f"{task}-{i}", []

    harness.work = work
    return harness


def test_task_is_cut():
    harness = load()
    harness.time_is_up = 5
    is_whole, n_states, _, _, _ = harness.work_on("a")
    tap.check(n_states == 6, f"{n_states} states of a second each in 5 s, expected 6")
    tap.check(not is_whole, "a task that was cut is counted as done")
    is_whole, n_states, _, _, _ = harness.work_on("b")
    tap.check((is_whole, n_states) == (False, 0), f"a task that began too late had {n_states} states")


def test_without_deadline():
    harness = load()
    harness.time_is_up = None
    is_whole, n_states, _, _, _ = harness.work_on("a")
    tap.check((is_whole, n_states) == (True, 100), f"{n_states} states of 100, whole: {is_whole}")


def test_phase_tells():
    harness = load()
    harness.time_is_up = 150
    report = harness.Report()
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        is_whole = harness.run_phase(report, "toy", Pool, "a phase", ["a", "b", "c"], 1)
    tap.check(not is_whole and report.n_states == 151, f"{report.n_states} states, whole: {is_whole}")
    tap.check("time was up after 1 of 3 tasks" in output.getvalue(), output.getvalue())
    tap.check(output.getvalue().startswith("ok 1 "), output.getvalue())


if __name__ == "__main__":
    tap.run([
        ("/project/crash-harness/a-task-that-has-begun-is-cut", test_task_is_cut),
        ("/project/crash-harness/without-a-deadline-all-is-done", test_without_deadline),
        ("/project/crash-harness/a-phase-says-what-was-not-done", test_phase_tells),
    ])
