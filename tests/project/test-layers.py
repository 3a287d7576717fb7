#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Includes point down only: base <- rdd, base <- receivers; rdd and receivers <- dstream.

Reads the include lines of every .c and .h and names file and line of each arrow upwards.
"""

import re

import tap

BELOW = {
    "base": {"base"},
    "rdd": {"base", "rdd"},
    "receivers": {"base", "receivers"},
    "dstream": {"base", "rdd", "receivers", "dstream"},
    "tools": {"base", "rdd", "receivers", "dstream", "tools"},
    "examples": {"dstream", "examples"},
    "bench": {"base", "rdd", "receivers", "dstream", "bench"},
    "tests/base": {"base", "tests"},
    "tests/rdd": {"base", "rdd", "tests"},
    "tests/receivers": {"base", "receivers", "tests"},
}
LAYERS = set(tap.LIBRARY_FOLDERS) | {"tools", "examples", "bench", "tests"}
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def allowed_for(path):
    """The folders that this file may include from; None: any."""
    parts = path.split("/")
    return BELOW.get("/".join(parts[:2]), BELOW.get(parts[0]))


def find_arrows_upwards(path, text):
    allowed = allowed_for(path)
    found = []
    if allowed is None:
        return found
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match is None:
            continue
        layer = match.group(1).split("/")[0]
        if "/" in match.group(1) and layer in LAYERS and layer not in allowed:
            found.append(f"{path}:{number}: {line.strip()} points upwards; "
                         f"{'/'.join(path.split('/')[:-1])} may include from {', '.join(sorted(allowed))}")
    return found


def test_tree():
    files = tap.list_files(tap.SOURCE_FOLDERS, (".c", ".h"))
    tap.check(len(files) > 20, f"only {len(files)} files were found: the test looks in the wrong place")
    arrows = []
    for path in files:
        arrows += find_arrows_upwards(path, tap.read_file(path))
    tap.check(not arrows, "\n".join(arrows))


def test_examples_use_the_public_interface():
    wrong = [path for path in tap.list_files(("examples",), (".c", ".h"))
             if "-private.h" in tap.read_file(path)]
    tap.check(not wrong, f"private headers are included by {', '.join(wrong)}")


def test_planted_arrows_are_found():
    planted = [
        ("base/ds-value.c", '#include "rdd/ds-rdd.h"'),
        ("rdd/ds-rdd.c", '#include "receivers/ds-receiver.h"'),
        ("receivers/ds-receiver.c", '  #  include "rdd/ds-context.h"'),
        ("rdd/ds-task.h", "#include <dstream/dstream.h>"),
        ("tests/base/test-value.c", '#include "dstream/dstream.h"'),
    ]
    for path, line in planted:
        arrows = find_arrows_upwards(path, f"/* text */\n#include <glib.h>\n{line}\n")
        tap.check(len(arrows) == 1 and arrows[0].startswith(f"{path}:3:"),
                  f"{line} in {path} was not found: {arrows}")


def test_arrows_downwards_are_allowed():
    for path, line in [
        ("base/ds-block.c", '#include "base/ds-arena-private.h"'),
        ("rdd/ds-rdd.c", '#include "base/ds-block.h"'),
        ("dstream/ds-dstream.c", '#include "receivers/ds-receiver.h"'),
        ("tests/dstream/test-timer.c", '#include "rdd/ds-rdd-private.h"'),
    ]:
        tap.check(not find_arrows_upwards(path, line), f"{line} in {path} was refused")


if __name__ == "__main__":
    tap.run([
        ("/project/layers/no-include-points-upwards", test_tree),
        ("/project/layers/examples-use-the-public-interface", test_examples_use_the_public_interface),
        ("/project/layers/a-planted-arrow-upwards-is-found", test_planted_arrows_are_found),
        ("/project/layers/arrows-downwards-are-allowed", test_arrows_downwards_are_allowed),
    ])
