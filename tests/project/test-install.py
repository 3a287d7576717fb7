#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library as its users have it: installed and found by pkg-config, or as a subproject
of another meson project.

usage: test-install.py BUILD_FOLDER
"""

import ast
import functools
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import public_api
import tap

BUILD = os.path.abspath(tap.read_arguments(sys.argv[1:])[0][0])
CONSUMER = os.path.join(tap.SOURCE_ROOT, "tests", "project", "consumer.c")
EXPECTED = "(be,2)\n(not,1)\n(or,1)\n(to,2)\n"
TEMPORARY = tempfile.TemporaryDirectory(prefix="dstream-install-")


def command(arguments, **keywords):
    result = subprocess.run(arguments, capture_output=True, text=True, check=False, **keywords)
    tap.check(result.returncode == 0,
              f"{shlex.join(arguments)} ended with status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


@functools.lru_cache(maxsize=None)
def installed_prefix():
    """Where the tree was installed to below the temporary folder."""
    for directory, _, names in os.walk(TEMPORARY.name):
        if "dstream-1.pc" in names:
            with open(os.path.join(directory, "dstream-1.pc"), encoding="utf-8") as file:
                prefix = re.search(r"^prefix=(.*)$", file.read(), re.MULTILINE).group(1)
            return TEMPORARY.name + prefix, directory
    raise AssertionError("no dstream-1.pc was installed")


def test_install():
    command(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", TEMPORARY.name])
    installed_prefix()


def test_headers():
    prefix, _ = installed_prefix()
    for header in public_api.list_public_headers():
        path = os.path.join(prefix, "include", "dstream-1", header)
        tap.check(os.path.exists(path), f"{path} was not installed")
    for directory, _, names in os.walk(os.path.join(prefix, "include")):
        private = [name for name in names if name.endswith("-private.h")]
        tap.check(not private, f"private headers in {directory}: {private}")


def test_consumer():
    prefix, pc_directory = installed_prefix()
    # What a real installation has in its prefix lies in a temporary folder here.
    pc_file = os.path.join(pc_directory, "dstream-1.pc")
    with open(pc_file, encoding="utf-8") as file:
        text = re.sub(r"^prefix=.*$", f"prefix={prefix}", file.read(), flags=re.MULTILINE)
    with open(pc_file, "w", encoding="utf-8") as file:
        file.write(text)

    environment = dict(os.environ, PKG_CONFIG_PATH=pc_directory)
    flags = shlex.split(command(["pkg-config", "--cflags", "--libs", "dstream-1"], env=environment))
    library_path = command(["pkg-config", "--variable=libdir", "dstream-1"], env=environment).strip()
    program = os.path.join(TEMPORARY.name, "consumer")
    command(shlex.split(os.environ.get("CC", "cc")) + ["-Wall", "-Wextra", "-Werror", "-o", program, CONSUMER] + flags)
    output = command([program], env=dict(os.environ, LD_LIBRARY_PATH=library_path))
    tap.check(output == EXPECTED, f"the consumer printed {output!r}, expected {EXPECTED!r}")


def test_python():
    _, pc_directory = installed_prefix()
    # Made relocatable by the test before; as the README says.
    environment = dict(os.environ, PKG_CONFIG_PATH=pc_directory)
    library_path = command(["pkg-config", "--variable=libdir", "dstream-1"], env=environment).strip()
    typelib_path = os.path.join(library_path, "girepository-1.0")
    if not os.path.isdir(typelib_path):
        raise tap.Skip("built without introspection")
    program = re.search(r"```python\n(.*?)```", tap.read_file("README.md"), re.DOTALL).group(1)
    output = command([tap.python_with_gi(), "-c", program],
                     env=dict(os.environ, LD_LIBRARY_PATH=library_path, GI_TYPELIB_PATH=typelib_path))
    tap.check(sorted(ast.literal_eval(output)) == [("be", 1), ("to", 2)], f"Python printed {output!r}")


def test_reference():
    if not os.path.exists(os.path.join(BUILD, "docs", "reference", "dstream-1", "index.html")):
        raise tap.Skip("built without -Ddocs=enabled")
    prefix, _ = installed_prefix()
    for page in ("index.html", "class.StreamingContext.html", "values.html"):
        path = os.path.join(prefix, "share", "doc", "dstream-1", page)
        tap.check(os.path.exists(path), f"{path} was not installed")


def test_tools():
    prefix, _ = installed_prefix()
    for name in ("ds-serve", "ds-sink-list"):
        tap.check(os.access(os.path.join(prefix, "bin", name), os.X_OK), f"{name} was not installed")


def test_subproject():
    parent = os.path.join(TEMPORARY.name, "parent")
    os.makedirs(os.path.join(parent, "subprojects"))
    os.symlink(tap.SOURCE_ROOT, os.path.join(parent, "subprojects", "dstream"))
    shutil.copy(CONSUMER, parent)
    with open(os.path.join(parent, "meson.build"), "w", encoding="utf-8") as file:
        file.write("project('parent', 'c')\n"
                   "dstream = dependency('dstream-1', fallback: 'dstream',\n"
                   "  default_options: ['tests=false', 'bench=false', 'introspection=disabled'])\n"
                   "executable('consumer', 'consumer.c', dependencies: dstream)\n")
    command(["meson", "setup", "--wrap-mode=default", "--force-fallback-for=dstream-1",
             os.path.join(parent, "build"), parent])
    targets = command(["ninja", "-C", os.path.join(parent, "build"), "-t", "targets", "all"])
    tap.check("subprojects/dstream/" in targets, "the subproject has no targets")


if __name__ == "__main__":
    try:
        tap.run([
            ("/project/install/meson-installs-the-library", test_install),
            ("/project/install/public-headers-and-no-private-ones", test_headers),
            ("/project/install/a-program-builds-with-pkg-config-and-runs", test_consumer),
            ("/project/install/the-python-program-of-the-readme-runs", test_python),
        ("/project/install/the-reference-is-installed", test_reference),
        ("/project/install/the-tools-are-installed", test_tools),
            ("/project/install/another-project-can-have-it-as-a-subproject", test_subproject),
        ])
    finally:
        TEMPORARY.cleanup()
