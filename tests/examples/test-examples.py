#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each example prints what its head comment says.

The first comment of examples/NAME.c after the licence holds a transcript (see
transcript.py): commands after "$ ", and below each one its output.

usage: test-examples.py FOLDER_OF_EXAMPLES FOLDER_OF_TOOLS [NAME...]
"""

import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "project"))

import tap  # noqa: E402
import transcript  # noqa: E402

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# In real time, so its output is not the same twice; a test of its own has it.
ELSEWHERE = {"network-word-count": "tests/behaviour/test-network-word-count.py",
             "rate-lesson": "tests/examples/test-rate-lesson.py"}


def head_comment(text):
    """The lines of the comment after the licence, without stars."""
    comments = COMMENT.findall(text)
    tap.check(len(comments) >= 2, "there is no comment after the licence")
    return [re.sub(r"^( \*/?|/\*)", "", line) for line in comments[1].removesuffix("*/").splitlines()]


def check_text(text, name, path):
    steps = transcript.parse(head_comment(text))
    tap.check(steps, "the head comment has no line that begins with '$ '")
    tap.check(any(name in step.command.split() for step in steps), f"no command of the head comment is {name}")
    tap.check(any(step.expected_text() for step in steps), "the head comment has no output")
    transcript.run(steps, path)


def check_example(name, path):
    check_text(tap.read_file(os.path.join("examples", name + ".c")), name, path)


def check_refuses(text, reason):
    try:
        check_text(text, "echo", [])
    except AssertionError as error:
        tap.check(reason in str(error), f"expected {reason!r} in {str(error)!r}")
    else:
        raise AssertionError("it passed")


def source(*lines):
    return "/* SPDX */\n\n/* What it shows.\n *\n" + "".join(f" *{line}\n" for line in lines) + " */\nint i;\n"


def test_right_output_passes():
    check_text(source("   $ printf 'a\\nb\\n' >file", "   $ echo right && cat file", "   right", "   a", "   b", "",
                      " More words."), "echo", [])


def test_wrong_output_fails():
    check_refuses(source("   $ echo right", "   wrong"), "-wrong\n+right\n")
    check_refuses(source("   $ echo right", "   right", "   more"), "-more\n")
    check_refuses(source("   $ echo right; echo more", "   right"), "+more\n")


def test_bad_end_fails():
    check_refuses(source("   $ echo right; false", "   right"), "status 1")
    check_refuses(source("   $ echo right; echo oops >&2", "   right"), "oops")


def test_nothing_to_check_fails():
    check_refuses(source("   echo right"), "begins with '$ '")
    check_refuses(source("   $ echo"), "has no output")
    check_refuses(source("   $ printf right", "   right"), "is echo")
    check_refuses("/* SPDX */\nint i;\n", "no comment")


def main():
    arguments, _ = tap.read_arguments(sys.argv[1:])
    examples, tools = (os.path.abspath(folder) for folder in arguments[:2])
    sources = [os.path.basename(path)[:-2] for path in tap.list_files(("examples",), (".c",))]
    wanted = arguments[2:] or [name for name in sources if name not in ELSEWHERE]

    def test_all_are_built():
        missing = [name for name in sources if not os.access(os.path.join(examples, name), os.X_OK)]
        tap.check(not missing, f"examples/meson.build does not name {', '.join(missing)}")

    def test_elsewhere():
        for name, test in ELSEWHERE.items():
            tap.check(name in sources and os.path.exists(os.path.join(tap.SOURCE_ROOT, test)),
                      f"{name} is not tested by {test}")

    tap.run([
        ("/examples/harness/right-output-passes", test_right_output_passes),
        ("/examples/harness/wrong-output-fails", test_wrong_output_fails),
        ("/examples/harness/a-bad-end-fails", test_bad_end_fails),
        ("/examples/harness/nothing-to-check-fails", test_nothing_to_check_fails),
        ("/examples/every-source-is-built", test_all_are_built),
        ("/examples/what-is-not-here-is-tested-elsewhere", test_elsewhere),
    ] + [(f"/examples/{name}", lambda name=name: check_example(name, [examples, tools])) for name in wanted])


if __name__ == "__main__":
    main()
