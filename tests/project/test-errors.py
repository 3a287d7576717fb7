#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a machine can see of the rule for messages (RELIABILITY 2): an error names what it is
about, and is part of a sentence that others may put something in front of."""

import re

import tap

TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*|\w+|\s+|.', re.DOTALL)
CALLS = ("g_set_error", "g_set_error_literal", "g_error_new", "g_error_new_literal", "ds_task_fail", "ds_task_fail_literal",
         "ds_streaming_context_latch")
LEAST_LETTERS = 25
# Made part of another one where they arise.
SHORT = ("nothing came",)


def find_messages(text):
    """(line, message) of each call that makes an error with a message of its own."""
    tokens = [match for match in TOKEN.finditer(text)
              if not match.group(0).isspace() and not match.group(0).startswith(("/*", "//"))]
    for i, match in enumerate(tokens[:-1]):
        if match.group(0) not in CALLS or tokens[i + 1].group(0) != "(":
            continue
        depth = 0
        message = ""
        for token in (token.group(0) for token in tokens[i + 1:]):
            depth += (token in "({") - (token in ")}")
            if depth == 0 or (token == "," and depth == 1 and message):
                break
            if token.startswith('"'):
                message += token[1:-1]
        if message:
            yield text.count("\n", 0, match.start()) + 1, message


def is_well_formed(message):
    says_enough = "%" in message or len(message) >= LEAST_LETTERS or message in SHORT
    return says_enough and not message.endswith((".", "!", "\\n")) and "\\n\\n" not in message


def test_errors_name_what_they_are_about():
    wrong = []
    n_messages = 0
    for path in tap.list_files(tap.LIBRARY_FOLDERS + ("tools",), (".c", ".h")):
        for line, message in find_messages(tap.read_file(path)):
            n_messages += 1
            if not is_well_formed(message):
                wrong.append(f"{path}:{line} \"{message}\"")
    print(f"# {n_messages} messages")
    tap.check(n_messages > 250, f"only {n_messages} messages were found: is their form another one now?")
    tap.check(not wrong, f"an error names a value or says in a clause what is wrong, without an end: {', '.join(wrong)}")


def test_bad_ones_are_found():
    text = '''/* g_set_error (error, D, C, "no"); */
g_set_error (error, DS_ERROR, DS_ERROR_IO, "failed");
g_set_error (error, DS_ERROR, DS_ERROR_IO,
             "\\"%s\\" of %" G_GSIZE_FORMAT " bytes"
             " is damaged",
             path, n);
ds_task_fail_literal (task, "the function gave no result, which it has to");
g_set_error_literal (error, DS_ERROR, DS_ERROR_IO, "Cannot open \\"%s\\".");
'''
    found = [(line, is_well_formed(message)) for line, message in find_messages(text)]
    tap.check(found == [(2, False), (3, True), (7, True), (8, False)], f"found {found}")


if __name__ == "__main__":
    tap.run([
        ("/project/errors/errors-name-what-they-are-about", test_errors_name_what_they_are_about),
        ("/project/errors/planted-ones-are-found", test_bad_ones_are_found),
    ])
