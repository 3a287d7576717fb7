# SPDX-License-Identifier: LGPL-2.1-or-later
"""Transcripts of a shell: commands after "$ ", each followed by what it prints.

    $ printf 'to be\n' >lines.txt
    $ wc -w lines.txt
    2 lines.txt

Each command runs by itself, one after the other, in one temporary folder; it must end with
status 0, print what stands below it, and nothing on standard error but where received data
is kept.
"""

import difflib
import os
import subprocess
import tempfile

import tap

TIMEOUT = 60  # seconds that a command may take


def without_note(errors):
    """What is on standard error beyond the line with which every context with receivers begins."""
    return "".join(line for line in errors.splitlines(keepends=True)
                   if "Received data of input stream" not in line).strip()


class Step:
    """A command and the text that it is expected to print."""

    def __init__(self, command):
        self.command = command
        self.expected = []

    def expected_text(self):
        return without_last_blank_lines("\n".join(self.expected))


def without_last_blank_lines(text):
    """They cannot be seen in a comment, so they do not count."""
    return text.rstrip("\n") + "\n" if text.strip("\n") else ""


def parse(lines):
    """The steps of indented lines; what stands before the first command is no part of it, and
    a line that is indented less than the first command ends it."""
    steps = []
    indent = None
    for line in lines:
        if indent is None:
            if line.lstrip().startswith("$ "):
                indent = len(line) - len(line.lstrip())
            else:
                continue
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        if line[indent:].startswith("$ "):
            steps.append(Step(line[indent + 2:]))
        else:
            steps[-1].expected.append(line[indent:].rstrip())
    return steps


def difference(expected, found):
    return "".join(difflib.unified_diff(expected.splitlines(keepends=True), found.splitlines(keepends=True),
                                        "expected", "found"))


def run_step(step, directory, environment):
    try:
        result = subprocess.run(["sh", "-c", step.command], cwd=directory, env=environment, stdin=subprocess.DEVNULL,
                                capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"$ {step.command}\ndid not end within {TIMEOUT} s") from None
    tap.check(result.returncode == 0 and without_note(result.stderr) == "",
              f"$ {step.command}\nended with status {result.returncode}, standard error: {result.stderr}")
    found = without_last_blank_lines(result.stdout)
    tap.check(found == step.expected_text(), f"$ {step.command}\n{difference(step.expected_text(), found)}")


def run(steps, path, directory=None, **variables):
    """Runs the steps with the folders of PATH before those of the environment, in DIRECTORY or
    in a new one."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", **variables)
    environment["PATH"] = os.pathsep.join(path + [environment.get("PATH", "")])
    if directory is not None:
        for step in steps:
            run_step(step, directory, environment)
        return
    with tempfile.TemporaryDirectory(prefix="dstream-transcript-") as temporary:
        run(steps, path, temporary, **variables)
