#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each public header compiles by itself, twice in one file, in C and in C++, without a
warning; the ones that meson installs are all there are.

usage: test-headers.py INSTALLED_HEADER...
"""

import os
import shlex
import shutil
import subprocess
import sys

import public_api
import tap

INSTALLED = sorted(os.path.relpath(os.path.abspath(path), tap.SOURCE_ROOT) for path in tap.read_arguments(sys.argv[1:])[0])


def glib_flags():
    output = subprocess.run(["pkg-config", "--cflags", "gobject-2.0", "gio-2.0"],
                            check=True, capture_output=True, text=True).stdout
    return [flag.replace("-I", "-isystem", 1) if flag.startswith("-I") else flag
            for flag in shlex.split(output)]


def compile_alone(header, compiler):
    source = f'#include "{header}"\n#include "{header}"\nint unused_by_the_header;\n'
    result = subprocess.run(
        compiler + ["-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", tap.SOURCE_ROOT]
        + glib_flags() + ["-"],
        input=source, capture_output=True, text=True, check=False)
    return f"{header}:\n{result.stderr}" if result.returncode != 0 else None


def check_all(compiler):
    wrong = [error for error in (compile_alone(header, compiler) for header in INSTALLED) if error]
    tap.check(not wrong, "\n".join(wrong))


def test_c():
    check_all(shlex.split(os.environ.get("CC", "cc")) + ["-std=gnu11", "-x", "c"])


def test_cxx():
    if shutil.which("g++") is None:
        raise tap.Skip("there is no g++")
    check_all(["g++", "-std=gnu++17", "-x", "c++"])


def test_listed():
    there = public_api.list_public_headers()
    tap.check(there == INSTALLED,
              f"not installed: {sorted(set(there) - set(INSTALLED))}; "
              f"installed and private or gone: {sorted(set(INSTALLED) - set(there))}")


def test_public_includes_public():
    wrong = [header for header in INSTALLED if "-private.h" in tap.read_file(header)
             and any("-private.h" in line for line in tap.read_file(header).splitlines()
                     if line.lstrip().startswith("#"))]
    tap.check(not wrong, f"private headers are included by {', '.join(wrong)}")


def test_umbrella():
    output = subprocess.run(
        shlex.split(os.environ.get("CC", "cc")) + ["-M", "-x", "c", "-I", tap.SOURCE_ROOT] + glib_flags()
        + [os.path.join(tap.SOURCE_ROOT, "dstream", "dstream.h")],
        check=True, capture_output=True, text=True).stdout
    reached = {os.path.relpath(os.path.abspath(word), tap.SOURCE_ROOT)
               for word in output.split() if word.endswith(".h")}
    missing = sorted(set(INSTALLED) - reached)
    tap.check(not missing, f"<dstream/dstream.h> leaves out {', '.join(missing)}")


if __name__ == "__main__":
    tap.run([
        ("/project/headers/every-public-header-stands-alone-in-c", test_c),
        ("/project/headers/every-public-header-stands-alone-in-c++", test_cxx),
        ("/project/headers/every-public-header-is-installed", test_listed),
        ("/project/headers/no-public-header-includes-a-private-one", test_public_includes_public),
        ("/project/headers/the-umbrella-header-has-them-all", test_umbrella),
    ])
