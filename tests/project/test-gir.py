#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as other languages see it: the .gir is made without a warning, each public
function is documented in it, and Python imports it from the build tree.

usage: test-gir.py BUILD_FOLDER GIR_FILE      (GIR_FILE may be missing: all is skipped)
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import public_api
import tap

ARGUMENTS, _ = tap.read_arguments(sys.argv[1:])
BUILD = os.path.abspath(ARGUMENTS[0])
GIR = ARGUMENTS[1] if len(ARGUMENTS) > 1 else None
CORE = "{http://www.gtk.org/introspection/core/1.0}"
C_IDENTIFIER = "{http://www.gtk.org/introspection/c/1.0}identifier"
CALLABLES = ("function", "method", "constructor", "virtual-method")


def need_gir():
    if GIR is None:
        raise tap.Skip("built without introspection")


def documented_names():
    """C name -> whether it has a description and, when it may, described results."""
    names = {}
    for kind in CALLABLES:
        for node in ElementTree.parse(GIR).getroot().iter(CORE + kind):
            name = node.get(C_IDENTIFIER)
            if name is not None:
                doc = node.find(CORE + "doc")
                names[name] = doc is not None and bool((doc.text or "").strip())
    return names


def test_no_warning():
    need_gir()
    relative = os.path.relpath(GIR, BUILD)
    commands = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", "-s", relative],
                              capture_output=True, text=True, check=True).stdout.splitlines()
    arguments = shlex.split([line for line in commands if "g-ir-scanner" in line][-1])
    with tempfile.TemporaryDirectory(prefix="dstream-gir-") as directory:
        output = os.path.join(directory, "DStream-1.gir")
        arguments = [f"--output={output}" if argument.startswith("--output=") else argument
                     for argument in arguments]
        if relative in arguments:
            arguments[arguments.index(relative)] = output
        result = subprocess.run(arguments, cwd=BUILD, capture_output=True, text=True, check=False)
        text = result.stdout + result.stderr
        warnings = [line for line in text.splitlines() if re.search(r"[Ww]arning|[Ee]rror", line)]
        tap.check(result.returncode == 0 and not warnings and os.path.exists(output),
                  f"g-ir-scanner, status {result.returncode}:\n" + "\n".join(warnings or [text]))


def test_documented():
    need_gir()
    names = documented_names()
    # Type functions belong to their type and stand there as glib:get-type.
    expected = {name for name in public_api.exported_functions() if not name.endswith("_get_type")}
    tap.check(len(expected) > 100, f"only {len(expected)} public functions were read from the headers")
    missing = sorted(expected - set(names))
    bare = sorted(name for name in expected & set(names) if not names[name])
    tap.check(not missing and not bare,
              f"{len(missing)} of {len(expected)} not in the .gir: {', '.join(missing)}\n"
              f"{len(bare)} without documentation: {', '.join(bare)}")


def test_inline_documented():
    text = "".join(tap.read_file(path) for path in tap.list_files(tap.LIBRARY_FOLDERS, (".c", ".h")))
    described = set(re.findall(r"^\s*\* (ds_\w+):", text, re.MULTILINE))
    missing = sorted(public_api.inline_functions() - described)
    tap.check(not missing, f"inline functions without documentation: {', '.join(missing)}")


def test_types_documented():
    need_gir()
    bare = []
    namespace = ElementTree.parse(GIR).getroot().find(CORE + "namespace")
    for kind in ("class", "record", "enumeration", "bitfield", "callback", "interface"):
        for node in namespace.findall(CORE + kind):
            # Class structures are described by their class.
            if node.get("{http://www.gtk.org/introspection/glib/1.0}is-gtype-struct-for") is None \
                    and not node.get("name").startswith("_") and node.find(CORE + "doc") is None:
                bare.append(f"{kind} {node.get('name')}")
    tap.check(not bare, f"without documentation: {', '.join(bare)}")


def run_python(program):
    need_gir()
    # As a user does: everything comes from meson's own environment of the build tree.
    result = subprocess.run(["meson", "devenv", "-C", BUILD, tap.python_with_gi(), "-c", program],
                            capture_output=True, text=True, check=False)
    tap.check(result.returncode == 0, f"status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def test_import():
    output = run_python(
        "import gi\n"
        "gi.require_version('DStream', '1')\n"
        "from gi.repository import DStream\n"
        "print(DStream.time_to_string(1500000))\n")
    tap.check(output.strip().endswith("1500 ms"), f"time_to_string (1500000) gave {output!r}")


def test_word_count():
    output = run_python(
        "import gi\n"
        "gi.require_version('DStream', '1')\n"
        "from gi.repository import DStream\n"
        "block = DStream.Block.new_from_strv(['to', 'be', 'to'])\n"
        "context = DStream.Context.new('local[1]', 'Python')\n"
        "counts = context.parallelize(block, 1).count_by_value()\n"
        "print(sorted(counts.to_variant().unpack()))\n")
    tap.check(output.strip().endswith("[('be', 1), ('to', 2)]"), f"counted {output!r}")


if __name__ == "__main__":
    tap.run([
        ("/project/gir/the-scanner-has-nothing-to-say", test_no_warning),
        ("/project/gir/each-public-function-is-documented", test_documented),
        ("/project/gir/each-inline-function-is-documented", test_inline_documented),
        ("/project/gir/each-type-is-documented", test_types_documented),
        ("/project/gir/python-imports-the-library-from-the-build-tree", test_import),
        ("/project/gir/python-counts-values", test_word_count),
    ])
