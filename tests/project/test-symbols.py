#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library exports ds_* only, and exactly what the public headers declare.

usage: test-symbols.py LIBRARY
"""

import subprocess
import sys

import public_api
import tap

LIBRARY = tap.read_arguments(sys.argv[1:])[0][0]


def exported_symbols():
    output = subprocess.run(["nm", "-D", "--defined-only", LIBRARY],
                            check=True, capture_output=True, text=True).stdout
    return {line.split()[-1].split("@")[0] for line in output.splitlines()}


def test_prefix():
    wrong = sorted(name for name in exported_symbols() if not name.startswith("ds_"))
    tap.check(not wrong, f"exported without the prefix ds_: {', '.join(wrong)}")


def test_everything_declared_is_there():
    missing = sorted(public_api.exported_functions() - exported_symbols())
    tap.check(not missing, f"declared in a public header and not defined: {', '.join(missing)}")


def test_nothing_else_is_there():
    extra = sorted(name for name in exported_symbols() - public_api.exported_functions()
                   if name.startswith("ds_"))
    tap.check(not extra, f"exported and in no public header: {', '.join(extra)}")


def test_reader_of_headers():
    text = """
#define DS_AVAILABLE_IN_ALL __attribute__ ((visibility ("default"))) extern
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsThing, ds_thing, DS, THING, GObject)
/* DS_AVAILABLE_IN_ALL void ds_comment (void); */
DS_AVAILABLE_IN_ALL
const char *const *ds_thing_list (DsThing *self,
                                  GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
void
ds_thing_stop (DsThing *self) G_GNUC_PRINTF (1, 2);
void ds_hidden (void);
"""
    found = sorted(public_api.exported_of(text))
    expected = ["ds_thing_get_type", "ds_thing_list", "ds_thing_stop"]
    tap.check(found == expected, f"read {found}, expected {expected}")


if __name__ == "__main__":
    tap.run([
        ("/project/symbols/exported-names-start-with-ds", test_prefix),
        ("/project/symbols/what-a-public-header-declares-is-exported", test_everything_declared_is_there),
        ("/project/symbols/nothing-else-is-exported", test_nothing_else_is_there),
        ("/project/symbols/the-reader-of-headers-reads-right", test_reader_of_headers),
    ])
