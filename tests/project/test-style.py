#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a machine can see of the house style; clang-format does the rest."""

import os
import re
import subprocess

import tap

SPDX = "SPDX-License-Identifier: LGPL-2.1-or-later"
MAX_COLUMNS = 90
MAX_TRACKED_BYTES = 1 << 20
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# Comments, strings and character literals, in the order in which they start.
NO_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def only_code(text):
    """The text with comments and literals blanked; lines stay where they are."""
    return NO_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def find_goto(text):
    return [number for number, line in enumerate(only_code(text).splitlines(), 1)
            if re.search(r"\bgoto\b", line)]


def find_non_ascii_literals(text):
    """Lines of strings and characters that every terminal and every locale cannot show."""
    return [text.count("\n", 0, match.start()) + 1 for match in NO_CODE.finditer(text)
            if match.group(0)[0] in "\"'" and not match.group(0).isascii()]


def c_sources():
    return tap.list_files(tap.SOURCE_FOLDERS, (".c", ".h"))


def test_spdx():
    files = c_sources() + tap.list_files(tap.SOURCE_FOLDERS + ("build-aux",), (".py", ".sh", "meson.build"))
    files += ["check", "demo", ".ci/run", "bench/run", "meson.build"]
    wrong = [path for path in files if SPDX not in "\n".join(tap.read_file(path).splitlines()[:2])]
    tap.check(not wrong, f"no '{SPDX}' at the top of {', '.join(wrong)}")


def test_no_goto():
    wrong = [f"{path}:{line}" for path in c_sources() for line in find_goto(tap.read_file(path))]
    tap.check(not wrong, f"goto in {', '.join(wrong)}")


def test_goto_is_found_in_code_only():
    text = '/* goto */\nchar *s = "goto \\" goto"; // goto\nif (x)\n  goto out;\n'
    tap.check(find_goto(text) == [4], f"found in lines {find_goto(text)} instead of [4]")


def test_literals_are_ascii():
    # g_print () writes ? for the rest where no locale was set.  What is needed all the same
    # is written with escapes.
    files = tap.list_files(tap.LIBRARY_FOLDERS + ("tools", "examples"), (".c", ".h"))
    wrong = [f"{path}:{line}" for path in files for line in find_non_ascii_literals(tap.read_file(path))]
    tap.check(not wrong, f"other than ASCII in a string: {', '.join(wrong)}")


def test_non_ascii_is_found_in_literals_only():
    text = '/* "\u00b5s" */\nchar *s = "us", *t = "\\302\\265s"; // \'\u00b5\'\nf ("\\"\u00b5s");\n'
    found = find_non_ascii_literals(text)
    tap.check(found == [3], f"found in lines {found} instead of [3]")


def test_no_tabs():
    wrong = [path for path in c_sources() if "\t" in tap.read_file(path)]
    tap.check(not wrong, f"tabs in {', '.join(wrong)}")


def test_line_length():
    wrong = [f"{path}:{number} has {len(line)} columns"
             for path in c_sources()
             for number, line in enumerate(tap.read_file(path).splitlines(), 1)
             if len(line) > MAX_COLUMNS]
    tap.check(not wrong, "\n".join(wrong))


def test_includes_exist():
    wrong = []
    for path in c_sources():
        for name in INCLUDE.findall(tap.read_file(path)):
            if not os.path.exists(os.path.join(tap.SOURCE_ROOT, name)):
                wrong.append(f'{path}: "{name}" is no path from the root of the project')
    tap.check(not wrong, "\n".join(wrong))


def find_strays(sizes):
    """Of tracked files, path -> bytes: what no one writes by hand, as a core dump."""
    return sorted(path for path, size in sizes.items()
                  if size > MAX_TRACKED_BYTES or os.path.basename(path) == "core")


def test_tracked_files():
    try:
        result = subprocess.run(["git", "-C", tap.SOURCE_ROOT, "ls-files", "-z"], capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        raise tap.Skip("git does not list the files here") from None
    paths = [os.path.join(tap.SOURCE_ROOT, os.fsdecode(path)) for path in result.stdout.split(b"\0") if path]
    wrong = find_strays({path: os.path.getsize(path) for path in paths if os.path.isfile(path)})
    tap.check(len(paths) > 100 and not wrong, f"tracked, but nobody's work: {', '.join(wrong)}")


def test_strays_are_found():
    found = find_strays({"core": 1, "rdd/core": 1, "docs/core.md": 1, "big": MAX_TRACKED_BYTES + 1})
    tap.check(found == ["big", "core", "rdd/core"], f"found {found}")


def test_readmes():
    wrong = [folder for folder in tap.SOURCE_FOLDERS + ("docs",)
             if not os.path.exists(os.path.join(tap.SOURCE_ROOT, folder, "README.md"))]
    tap.check(not wrong, f"no README.md in {', '.join(wrong)}")


if __name__ == "__main__":
    tap.run([
        ("/project/style/every-source-names-its-licence", test_spdx),
        ("/project/style/no-goto", test_no_goto),
        ("/project/style/a-planted-goto-is-found-in-code-only", test_goto_is_found_in_code_only),
        ("/project/style/strings-of-the-product-are-ascii", test_literals_are_ascii),
        ("/project/style/a-planted-micro-sign-is-found-in-strings-only", test_non_ascii_is_found_in_literals_only),
        ("/project/style/no-tabs", test_no_tabs),
        ("/project/style/no-line-over-90-columns", test_line_length),
        ("/project/style/quoted-includes-start-at-the-root-and-exist", test_includes_exist),
        ("/project/style/nothing-is-tracked-that-nobody-wrote", test_tracked_files),
        ("/project/style/a-planted-core-dump-is-found", test_strays_are_found),
        ("/project/style/every-folder-has-a-readme", test_readmes),
    ])
