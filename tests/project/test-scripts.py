#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""./demo and ./check say what they do, and refuse what they do not know, before they do
anything."""

import os
import subprocess

import tap

SCRIPTS = ("demo", "check")


def run(script, argument):
    return subprocess.run([os.path.join(tap.SOURCE_ROOT, script), argument], capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C"), timeout=60, check=False)


def test_help():
    for script in SCRIPTS:
        for argument in ("--help", "-h"):
            result = run(script, argument)
            tap.check(result.returncode == 0 and result.stderr == "" and result.stdout.startswith(f"./{script}: "),
                      f"./{script} {argument} ended with status {result.returncode}:\n{result.stdout}{result.stderr}")
            tap.check(len(result.stdout.splitlines()) <= 10, f"./{script} {argument} did more than print its help")


def test_unknown():
    for script in SCRIPTS:
        result = run(script, "--bogus")
        tap.check(result.returncode == 2 and result.stdout == "" and "--bogus" in result.stderr,
                  f"./{script} --bogus ended with status {result.returncode}:\n{result.stdout}{result.stderr}")


if __name__ == "__main__":
    tap.run([
        ("/project/scripts/help-is-printed-and-nothing-done", test_help),
        ("/project/scripts/unknown-arguments-are-refused", test_unknown),
    ])
