# SPDX-License-Identifier: LGPL-2.1-or-later
"""TAP for the Python tests of this folder, and how they find the project's files."""

import os
import subprocess
import sys
import traceback

SOURCE_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBRARY_FOLDERS = ("base", "rdd", "receivers", "dstream")
SOURCE_FOLDERS = LIBRARY_FOLDERS + ("tools", "examples", "tests", "bench")


class Options:
    """What every test program is given, those of GTest and these: -m slow, --seed TEXT."""

    def __init__(self):
        self.mode = "quick"
        self.seed = None

    @property
    def is_slow(self):
        return self.mode in ("slow", "thorough")


def read_arguments(arguments):
    """Arguments without the options that GTest has, which all tests take, and those."""
    options = Options()
    rest = []
    left = iter(arguments)
    for argument in left:
        name, has_value, value = argument.partition("=")
        if name in ("-m", "--seed"):
            value = value if has_value else next(left, None)
            if value is None:
                sys.exit(f"{argument} wants a value, as in -m slow --seed 7")
            if name == "--seed":
                options.seed = value
            else:
                options.mode = value
        elif argument != "--tap":
            rest.append(argument)
    return rest, options


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def check(condition, message):
    """Unlike assert it also works under python3 -O."""
    if not condition:
        raise AssertionError(message)


def run(tests):
    """Runs (name, function) pairs; a test fails by raising."""
    n_failed = 0
    print(f"1..{len(tests)}")
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
        except Skip as reason:
            print(f"ok {number} {name} # SKIP {reason}")
            continue
        except Exception as error:  # whatever it is, it is this test's failure
            n_failed += 1
            print(f"not ok {number} {name}")
            text = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            for line in text.splitlines():
                print(f"# {line}")
            continue
        print(f"ok {number} {name}")
        sys.stdout.flush()
    sys.exit(1 if n_failed else 0)


def python_with_gi():
    for python in (sys.executable, "python3", "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", "import gi"], capture_output=True, check=False).returncode == 0:
                return python
        except FileNotFoundError:
            pass
    raise Skip("no Python has the gi module (python3-gi)")


def list_files(folders, suffixes):
    """Files below the folders of the project, as paths from its root, sorted."""
    found = []
    for folder in folders:
        for directory, subdirectories, names in os.walk(os.path.join(SOURCE_ROOT, folder)):
            subdirectories[:] = [name for name in subdirectories if name != "__pycache__"]
            for name in names:
                if name.endswith(suffixes):
                    path = os.path.join(directory, name)
                    found.append(os.path.relpath(path, SOURCE_ROOT))
    return sorted(found)


def read_file(path):
    with open(os.path.join(SOURCE_ROOT, path), encoding="utf-8") as file:
        return file.read()
