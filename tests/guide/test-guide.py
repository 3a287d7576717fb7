#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each program of docs/guide/ is compiled, run, and prints what the guide says.

A chapter's fenced blocks, in their order:

    ```c        a whole program that begins with "/* NAME.c: what it shows */"; it is compiled
                to NAME in the chapter's folder, as a user would, with pkg-config
    ```text     right after a program: what the program prints
    ```console  commands after "$ ", and below each its output (see transcript.py); right after
                a program, or anywhere
    ```sh       what a reader's machine is needed for: not run

Every name of the library that the text mentions must be in the public headers, and every
link must lead somewhere.

usage: test-guide.py BUILD_FOLDER SANITIZERS COMPILER...
"""

import fnmatch
import os
import re
import shlex
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "project"))

import public_api  # noqa: E402
import tap  # noqa: E402
import transcript  # noqa: E402

GUIDE = os.path.join("docs", "guide")
KINDS = ("c", "text", "console", "sh")
FENCE = re.compile(r"^```(.*)$")
HEAD = re.compile(r"/\* ([a-z0-9-]+)\.c: [^\n]")
WORD = re.compile(r"\b(?:ds_|DS_|Ds)[A-Za-z0-9_]+")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
# Stricter than what the guide tells its readers.
WARNINGS = ["-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror"]


class Block:
    def __init__(self, kind, line):
        self.kind = kind
        self.line = line
        self.lines = []

    def text(self):
        return "".join(line + "\n" for line in self.lines)


def read_blocks(text):
    """The fenced blocks, and what is left of the text."""
    blocks = []
    prose = []
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        match = FENCE.match(line)
        if match is None:
            (blocks[-1].lines if inside else prose).append(line)
            continue
        if not inside:
            tap.check(match.group(1) in KINDS, f"line {number}: a block is one of {', '.join(KINDS)}, not {line!r}")
            blocks.append(Block(match.group(1), number))
        inside = not inside
    tap.check(not inside, f"the block of line {blocks[-1].line if inside else 0} has no end")
    return blocks, "\n".join(prose)


class Workplace:
    """A folder for the programs of a chapter, and an environment like that of `meson devenv`."""

    def __init__(self, build, sanitizers, compiler):
        self.temporary = tempfile.TemporaryDirectory(prefix="dstream-guide-")
        self.folder = self.temporary.name
        self.tools = os.path.join(self.folder, ".tools")
        os.mkdir(self.tools)
        flags = [] if sanitizers == "none" else ["-fsanitize=" + sanitizers]
        # A program that drops the last reference to a context has to be seen waiting for the
        # other threads' drops, see the header.
        if "thread" in sanitizers:
            flags += ["-I" + tap.SOURCE_ROOT, "-include",
                      os.path.join(tap.SOURCE_ROOT, "base", "ds-tsan-private.h")]
        # What readers call cc is the compiler that the library was built with, by its whole
        # path: it may be called cc too, and so may the one behind a launcher ("ccache cc").
        tap.check(shutil.which(compiler[0]) is not None, f"there is no compiler {compiler[0]}")
        command = [shutil.which(word) or word for word in compiler]
        path = os.path.join(self.tools, "cc")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {shlex.join(command + flags)} "$@"\n')
        os.chmod(path, 0o755)
        self.path = [self.tools, self.folder, os.path.join(build, "tools"), os.path.join(build, "examples")]
        self.variables = {"PKG_CONFIG_PATH": os.path.join(build, "meson-uninstalled"),
                          "LD_LIBRARY_PATH": os.path.join(build, "dstream")}

    def run(self, steps):
        transcript.run(steps, self.path, directory=self.folder, **self.variables)

    def compile(self, block):
        match = HEAD.match(block.text())
        tap.check(match is not None, f"line {block.line}: a program begins with '/* NAME.c: what it shows */'")
        name = match.group(1)
        with open(os.path.join(self.folder, name + ".c"), "w", encoding="utf-8") as file:
            file.write(block.text())
        command = f"cc {shlex.join(WARNINGS)} -o {name} {name}.c $(pkg-config --cflags --libs dstream-1)"
        self.run([transcript.Step(command)])
        return name

    def check_program(self, block, following):
        name = self.compile(block)
        tap.check(following is not None and following.kind in ("text", "console"),
                  f"line {block.line}: a block with the output of {name} has to follow")
        if following.kind == "text":
            step = transcript.Step(name)
            step.expected = following.lines
            self.run([step])

    def check_console(self, block):
        steps = transcript.parse(block.lines)
        tap.check(steps, f"line {block.line}: no line begins with '$ '")
        self.run(steps)

    def check_blocks(self, blocks):
        """Yields a name and a function for each block that is run, in order."""
        for number, block in enumerate(blocks):
            before = blocks[number - 1] if number > 0 else None
            following = blocks[number + 1] if number + 1 < len(blocks) else None
            if block.kind == "c":
                match = HEAD.match(block.text())
                yield (match.group(1) if match else f"line-{block.line}",
                       lambda block=block, following=following: self.check_program(block, following))
            elif block.kind == "console":
                yield f"line-{block.line}", lambda block=block: self.check_console(block)
            elif block.kind == "text" and (before is None or before.kind != "c"):
                raise AssertionError(f"line {block.line}: the output of no program")


def known_words():
    return set(WORD.findall("".join(tap.read_file(path) for path in public_api.list_public_headers())))


def unknown_words(text, known):
    """A name that ends with _ stands for all that begin so."""
    return sorted(word for word in set(WORD.findall(text))
                  if word not in known
                  and not (word.endswith("_") and any(other.startswith(word) for other in known)))


def dead_links(text, folder):
    return sorted(link for link in set(LINK.findall(text))
                  if "://" not in link
                  and not os.path.exists(os.path.join(tap.SOURCE_ROOT, folder, link)))


def missing_files(text, files):
    """Sources that are named in backquotes, with or without their folder, as "ds-table*.c"."""
    names = set(re.findall(r"`((?:[\w-]+/)*(?:ds|test)-[\w*-]+\.(?:c|h|py))`", text))
    return sorted(name for name in names
                  if not any(fnmatch.fnmatch(file, name if "/" in name else "*/" + name) for file in files))


def check_files():
    """Of all pages that walk through the source."""
    files = tap.list_files(tap.SOURCE_FOLDERS, (".c", ".h", ".py"))
    wrong = [f"{page}: {name}" for page in ("docs/way-of-a-record.md", "docs/glossary.md", "dstream/README.md",
                                            "rdd/README.md", "receivers/README.md", "base/README.md")
             for name in missing_files(tap.read_file(page), files)]
    tap.check(not wrong, f"named, but not there: {', '.join(wrong)}")


def check_words(text):
    wrong = unknown_words(text, known_words())
    tap.check(not wrong, f"not in the public headers: {', '.join(wrong)}")


def same_names(text):
    """Of the table rows that say "the same": the functions that Spark's names stand for, by the
    heading that they are under."""
    prefixes = {"## Streams": "ds_dstream_", "## RDDs": "ds_rdd_"}
    prefix = None
    found = set()
    for line in text.splitlines():
        if line.startswith("## "):
            prefix = prefixes.get(line)
        cells = [cell.strip() for cell in line.split("|")]
        if prefix is not None and len(cells) == 4 and cells[2].startswith("the same"):
            for name in re.findall(r"`(\w+)", cells[1]):
                found.add(prefix + re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower())
    return found


def check_same_names(text):
    names = same_names(text)
    tap.check(len(names) > 40, f"only {len(names)} names are said to be the same")
    wrong = sorted(names - public_api.exported_functions() - public_api.inline_functions())
    tap.check(not wrong, f"not in the public headers: {', '.join(wrong)}")


def absent_names(text):
    """Spark's names in the table of what is not here."""
    rows = text.split("## Not here (yet)")[1].split("\n## ")[0].splitlines()
    return {name.split(" ")[0] for row in rows if row.startswith("|")
            for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


def check_absent_names(text):
    """None of them exists: neither as a function nor as a setting."""
    names = absent_names(text)
    prefixes = {"rdd": ["ds_rdd_"], "sc": ["ds_context_"]}
    everywhere = ["ds_streaming_context_", "ds_context_", "ds_dstream_", "ds_rdd_"]
    functions = {}
    for name in names:
        owner, _, stem = name.rpartition(".")
        for prefix in prefixes.get(owner, everywhere):
            functions[prefix + re.sub(r"(?<=[a-z])([A-Z])", r"_\1", stem).lower()] = name
    present = {functions[name] for name in set(functions) & public_api.exported_functions()}
    settings = set(re.findall(r"`([^`]+)`", tap.read_file(os.path.join("docs", "settings.md"))))
    present |= {name for name in names if any(fnmatch.fnmatch(setting, name) for setting in settings)}
    tap.check(len(names) > 4 and not present, f"said to be absent, but here: {', '.join(sorted(present))}")


def check_links(text):
    wrong = dead_links(text, GUIDE)
    tap.check(not wrong, f"links to nowhere: {', '.join(wrong)}")


SIGNAL = re.compile(r'g_signal_new \("([\w-]+)".*?G_TYPE_NONE,\s*(\d+)', re.DOTALL)
SIGNAL_ROW = re.compile(r"^\| `([\w-]+)` \| `(Ds[^`]*)` \|", re.MULTILINE)


def check_signals():
    """The chapter has each signal with its number of arguments."""
    source = tap.read_file(os.path.join("dstream", "ds-streaming-context-events.c"))
    expected = {(name, int(n_arguments)) for name, n_arguments in SIGNAL.findall(source)}
    found = {(name, arguments.count(",") + 1)
             for name, arguments in SIGNAL_ROW.findall(tap.read_file(os.path.join(GUIDE, "10-listening.md")))}
    tap.check(expected and expected == found, f"only in the source: {sorted(expected - found)}, "
              f"only in the guide: {sorted(found - expected)}")


PROGRAM = """```c
/* sum.c: for the test */
#include <dstream/dstream.h>

int
main (void)
{
  g_print ("%d\\n", (int) (DS_SECOND / 1000));
  return 0;
}
```
"""


def check_text(text, arguments):
    workplace = Workplace(*arguments)
    for _, function in workplace.check_blocks(read_blocks(text)[0]):
        function()


def check_refuses(text, reason, arguments):
    try:
        check_text(text, arguments)
    except AssertionError as error:
        tap.check(reason in str(error), f"expected {reason!r} in {str(error)!r}")
    else:
        raise AssertionError(f"it passed: {text}")


def harness_tests(arguments):
    def right_passes():
        check_text(PROGRAM + "It prints:\n```text\n1000\n```\nAgain:\n```console\n$ ./sum\n1000\n```\n", arguments)

    def wrong_fails():
        check_refuses(PROGRAM + "```text\n1001\n```\n", "-1001\n+1000\n", arguments)
        check_refuses(PROGRAM + "```console\n$ ./sum\n1001\n```\n", "-1001\n+1000\n", arguments)
        check_refuses(PROGRAM.replace("return 0", "return 3") + "```text\n1000\n```\n", "status 3", arguments)
        check_refuses(PROGRAM.replace("g_print", "ds_no_such") + "```text\n1000\n```\n", "ds_no_such", arguments)
        check_refuses(PROGRAM, "has to follow", arguments)
        check_refuses(PROGRAM.replace("sum.c: ", "") + "```text\n1000\n```\n", "NAME.c", arguments)
        check_refuses("```text\n1000\n```\n", "of no program", arguments)
        check_refuses("```text\n1000\n", "no end", arguments)

    def names_and_links():
        known = {"ds_dstream_map", "DsRdd"}
        tap.check(unknown_words("`ds_dstream_map ()`, `ds_dstream_`, DsRdd", known) == [], "a known name is refused")
        tap.check(unknown_words("ds_dstream_mapp DS_RDD ds_rdd_", known) == ["DS_RDD", "ds_dstream_mapp", "ds_rdd_"],
                  "an unknown name passes")
        tap.check(missing_files("`rdd/ds-a.c`, `ds-b*.c`, `rdd/ds-c.c`, `ds-d.h`", ["rdd/ds-a.c", "rdd/ds-b-x.c"])
                  == ["ds-d.h", "rdd/ds-c.c"], "a missing file passes")
        tap.check(same_names("## RDDs\n| `sortByKey (x)`, `map` | the same |\n| `no` | other |\n")
                  == {"ds_rdd_sort_by_key", "ds_rdd_map"}, "names that are the same are read wrongly")
        tap.check(dead_links("[a](README.md) [b](nothing.md#x) [c](https://example.org)", ".") == ["nothing.md"],
                  "a dead link passes")

    return [("/guide/harness/what-is-right-passes", right_passes),
            ("/guide/harness/what-is-wrong-fails", wrong_fails),
            ("/guide/harness/names-and-links-are-checked", names_and_links)]


def chapter_tests(path, arguments):
    """The tests of a chapter; its programs share a folder."""
    stem = os.path.basename(path)[:-3].lower()
    text = tap.read_file(path)
    workplace = Workplace(*arguments)
    blocks, prose = read_blocks(text)
    yield f"/guide/{stem}/names-exist", lambda: check_words(prose)
    yield f"/guide/{stem}/links-lead-somewhere", lambda: check_links(text)
    for name, function in workplace.check_blocks(blocks):
        yield f"/guide/{stem}/{name}", function


def test_contents():
    contents = tap.read_file(os.path.join(GUIDE, "README.md"))
    missing = [name for name in (os.path.basename(path) for path in tap.list_files((GUIDE,), (".md",)))
               if name != "README.md" and f"({name})" not in contents]
    tap.check(not missing, f"docs/guide/README.md does not link {', '.join(missing)}")


def main():
    build, sanitizer, *compiler = tap.read_arguments(sys.argv[1:])[0]
    arguments = (os.path.abspath(build), sanitizer, compiler)
    tests = harness_tests(arguments) + [("/guide/every-chapter-is-in-the-contents", test_contents)]
    tests.append(("/guide/named-sources-exist", check_files))
    spark = tap.read_file(os.path.join(GUIDE, "spark.md"))
    tests.append(("/guide/spark/what-is-the-same-exists", lambda: check_same_names(spark)))
    tests.append(("/guide/10-listening/has-every-signal", check_signals))
    tests.append(("/guide/spark/what-is-not-here-is-not-here", lambda: check_absent_names(spark)))
    for path in tap.list_files((GUIDE,), (".md",)):
        tests += chapter_tests(path, arguments)
    tap.run(tests)


if __name__ == "__main__":
    main()
