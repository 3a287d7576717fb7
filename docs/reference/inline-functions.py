#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The inline functions of headers as a page of the reference, from their comments.

usage: inline-functions.py HEADER...
"""

import re
import sys

FUNCTION = re.compile(r"/\*\*\n((?: \*[^\n]*\n)+?) \*/\nstatic inline ([^{]*?)\n\{")
HEAD = """Title: Values
Slug: values

# Values

Most functions that make and read a `DsValue` are inline functions of the headers, which cost no call. They
can be called from C only.
"""


def unfold(lines):
    """Parameters and "Returns:" with their continuation lines, and the paragraphs."""
    parameters, paragraphs = [], []
    target = paragraphs
    for line in lines:
        match = re.match(r"@(\w+): (.*)", line)
        if match is not None:
            target = parameters
            parameters.append(f"`{match.group(1)}`: {match.group(2)}")
        elif line.startswith("Returns: "):
            target = parameters
            parameters.append("Returns " + line[len("Returns: "):])
        elif line == "":
            target = paragraphs
            paragraphs.append("")
        elif target:
            target[-1] = (target[-1] + " " + line.strip()).strip()
        else:
            target.append(line)
    return parameters, [paragraph for paragraph in paragraphs if paragraph]


def page_of(comment, declaration):
    lines = [line[3:] for line in comment.splitlines()]
    name = re.search(r"(\w+)\s*\(", declaration).group(1)
    parameters, paragraphs = unfold(lines[1:])
    # Annotations say what other languages need to know.
    parameters = [re.sub(r"(: |^Returns )(\([\w\- =,]+\) ?)+:? ?", r"\1", text) for text in parameters]
    return (f"## {name} ()\n\n```c\n{declaration};\n```\n\n" + "".join(text + "\n\n" for text in paragraphs)
            + "".join(f"- {text}\n" for text in parameters) + "\n")


def main():
    print(HEAD)
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            for comment, declaration in FUNCTION.findall(file.read()):
                print(page_of(comment, declaration))


if __name__ == "__main__":
    main()
