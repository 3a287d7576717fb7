# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the public headers declare, read from their text."""

import re

import tap

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# G_DECLARE_FINAL_TYPE (DsContext, ds_context, ...) declares ds_context_get_type ().
DECLARED_TYPE = re.compile(r"^G_DECLARE_(?:FINAL|DERIVABLE)_TYPE\s*\(\s*\w+\s*,\s*(\w+)")
DECLARED = re.compile(r"(\w+)\s*\(")
INLINE = re.compile(r"^static inline [^;{(]*?(\w+)\s*\(", re.MULTILINE)


def list_public_headers():
    return [path for path in tap.list_files(tap.LIBRARY_FOLDERS, (".h",))
            if not path.endswith("-private.h")]


def exported_of(text):
    """The functions that a header's text exports."""
    found = set()
    text = COMMENT.sub(" ", text)
    for declaration in text.split("DS_AVAILABLE_IN_ALL")[1:]:
        declaration = declaration.lstrip()
        # The definition of the macro itself is followed by its meaning.
        if declaration.startswith("__attribute__"):
            continue
        match = DECLARED_TYPE.match(declaration)
        if match is not None:
            found.add(match.group(1) + "_get_type")
            continue
        match = DECLARED.search(declaration.split(";")[0])
        tap.check(match is not None, f"no function follows DS_AVAILABLE_IN_ALL: {declaration[:60]!r}")
        found.add(match.group(1))
    return found


def exported_functions():
    return set().union(*(exported_of(tap.read_file(path)) for path in list_public_headers()))


def inline_functions():
    return set().union(*(set(INLINE.findall(COMMENT.sub(" ", tap.read_file(path))))
                         for path in list_public_headers()))
