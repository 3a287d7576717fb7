#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes a C file that can call each function of the public headers, with arguments made
from their types: see api-calls.h.  What it cannot call is listed there, too, and fails the
test, so that nobody can forget to have a new function tested.

usage: generate-calls.py OUTPUT
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "project"))

import public_api  # noqa: E402 pylint: disable=wrong-import-position
import tap  # noqa: E402 pylint: disable=wrong-import-position

# C type -> the function api_NAME () that makes arguments of it (api-arguments.c).
TYPES = {
    "DsBatch *": "batch",
    "DsBlock *": "block",
    "DsBlockBuilder *": "builder",
    "DsClock *": "clock",
    "DsContext *": "context",
    "DsDStream *": "dstream",
    "DsDuration": "time",
    "DsInputDStream *": "input",
    "DsManualClock *": "manual_clock",
    "DsOutput *": "output",
    "DsPartition *": "partition",
    "DsPartitioner *": "partitioner",
    "DsRdd *": "rdd",
    "DsRddIterator *": "rdd_iterator",
    "DsReceiver *": "receiver",
    "DsReceiverInfo *": "receiver_info",
    "DsState *": "state",
    "DsStats *": "stats_out",
    "DsStreamingContext *": "streaming",
    "DsTask *": "task",
    "DsTime": "time",
    "DsValue": "value",
    "DsValue *": "value_out",
    "GAsyncReadyCallback": "ready",
    "GAsyncResult *": "result",
    "GBytes *": "bytes",
    "GCancellable *": "cancellable",
    "GDestroyNotify": "destroy",
    "GError *": "error_given",
    "GError **": "error",
    "GVariant *": "variant",
    "char": "char",
    "const GError *": "error_lent",
    "const char *": "string",
    "const char *const *": "strings",
    "double": "double",
    "gboolean": "boolean",
    "gboolean *": "boolean_out",
    "gint64": "int64",
    "gint64 *": "int64_out",
    "gpointer": "data",
    "gsize": "size",
    "gsize *": "size_out",
    "guint": "uint",
    "guint16": "uint16",
    "guint64": "uint64",
    "int": "int",
}

# Pointers that are an array when a number of elements, n_..., comes behind them.
ARRAYS = {
    "DsDStream **": "dstream_array",
    "DsRdd **": "rdd_array",
    "const DsValue *": "value_array",
    "const char *": "char_array",
    "const double *": "double_array",
    "const gint64 *": "int64_array",
    "gconstpointer": "char_array",
}

# Results that are looked at, by api_use_NAME (), since not all mistakes are in the call.
RESULTS = {
    "DsBlock *": "block",
    "DsRdd *": "rdd",
    "DsValue": "value",
    "char *": "text",
    "const char *": "text",
}

# These put a pointer and a length together, in line, and look at neither: a value over NULL
# and some length is the caller's mistake, and cannot be read.
UNREAD = ("ds_value_bytes", "ds_value_list", "ds_value_string_sized", "ds_value_tuple")

# (function, parameter) -> other arguments than the type's.
PARAMETERS = {
    # Running out of memory ends the process, by rule.
    ("ds_task_alloc", "n_bytes"): "small_size",
    # To wait for a stream that nobody has started is to wait for ever, and no mistake.
    ("ds_streaming_context_await_termination", "self"): "own_streaming",
    ("ds_streaming_context_await_termination_or_timeout", "self"): "own_streaming",
}

# Called as it stands here, with arguments of these kinds.
BY_HAND = {
    "ds_assertion_block": (["block"],
                           'if (api_block (call, 0) == call->objects->strings)\n'
                           '    ds_assertion_block ("api", __FILE__, __LINE__, G_STRFUNC,\n'
                           '                        call->objects->strings, FALSE, "x", "y", NULL)'),
    "ds_block_new_strings": (["string"], 'ds_block_new_strings (api_string (call, 0), "b", NULL)'),
    "ds_parse_msgpack": (["char_array", "length", "boolean", "task"],
                         'ds_parse_msgpack ((const guint8 *) api_char_array (call, 0), api_length (call, 1),\n'
                         '                    api_boolean (call, 2), api_task (call, 3), NULL)'),
    "ds_string_printf": (["task", "string"],
                         'ds_string_printf (api_task (call, 0), "%s", api_string (call, 1))'),
    "ds_task_fail": (["task", "string"],
                     'ds_task_fail (api_task (call, 0), "%s", api_string (call, 1))'),
    "ds_task_strdup_printf": (["task", "string"],
                              'ds_task_strdup_printf (api_task (call, 0), "%s", api_string (call, 1))'),
    "ds_value_get_record": (["value", "small_size"],
                            'ds_value_get_record (api_value (call, 0), call->buffer, api_small_size (call, 1))'),
}

# Not called at all: name -> why.
LEFT_OUT = {
}

# These may wait until the stream is stopped: called from then on, where a wait is no mistake.
WAITING = ("ds_streaming_context_await_batch", "ds_streaming_context_await_termination",
           "ds_streaming_context_await_termination_or_timeout")
# And this one everywhere.
SLEEPING = ("ds_receiver_sleep",)
# Whatever ends something comes last.
ENDING = re.compile(r"_(stop|cancel|finish|restart|fail|take_error)(_|$)|_start$")

NOISE = re.compile(r"G_GNUC_PRINTF \(\d, \d\)|G_GNUC_NULL_TERMINATED|__attribute__ \(\(\w+\)\)")
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$", re.MULTILINE)
FUNCTION = re.compile(r"^(.*?)\b(ds_\w+) ?\((.*)\)$")
CALLBACK = re.compile(r"typedef\s+([^;{}()]+?)\(\*(Ds\w+)\)\s*\(([^;]*?)\)\s*;")
ENUM = re.compile(r"typedef\s+enum\s*\{[^}]*\}\s*(Ds\w+)\s*;")
CLASS = re.compile(r"struct _(Ds\w+Class)\s*\{(.*?)\};", re.DOTALL)
SLOT = re.compile(r"\(\*(\w+)\)\s*\(")
INLINE = re.compile(r"static inline\s+([^;{]*?\))\s*\{")


class Unknown(Exception):
    """No way to call something."""


def normal(text):
    return re.sub(r"\s*\*\s*", lambda m: " *", re.sub(r"\s+", " ", text)).replace("* *", "**").strip()


def split_parameters(text):
    """[(type, name)]; the type is "..." for variable ones."""
    if text.strip() in ("", "void"):
        return []
    parameters = []
    for part in text.split(","):
        part = re.sub(r"\s+", " ", part).strip()
        if part == "...":
            parameters.append(("...", ""))
            continue
        match = re.match(r"^(.*?)(\w+)$", part)
        parameters.append((re.sub(r"\s+(\*+)", r" \1", match.group(1).strip()), match.group(2)))
    return parameters


class Function:
    def __init__(self, text):
        text = NOISE.sub("", re.sub(r"\s+", " ", text)).strip()
        match = FUNCTION.match(text)
        if match is None:
            raise Unknown(f"cannot read {text!r}")
        self.result = match.group(1).replace("extern", "").strip()
        self.name = match.group(2)
        self.parameters = split_parameters(match.group(3))


class Api:
    def __init__(self):
        self.functions = {}
        self.callbacks = {}
        self.enums = set()
        self.slots = []
        self.headers = public_api.list_public_headers()
        for path in self.headers:
            self.read(public_api.COMMENT.sub(" ", tap.read_file(path)))

    def add(self, text):
        try:
            function = Function(text)
        except Unknown:
            return  # and found to be missing
        self.functions[function.name] = function

    def read(self, text):
        text = PREPROCESSOR.sub(" ", text)
        self.enums.update(ENUM.findall(text))
        for result, name, parameters in CALLBACK.findall(text):
            self.callbacks[name] = (re.sub(r"\s+", " ", result).strip(), split_parameters(parameters))
        for name, body in CLASS.findall(text):
            self.slots += [f"{name}.{slot}" for slot in SLOT.findall(body)]
        for match in INLINE.finditer(text):
            self.add(match.group(1))
        for declaration in text.split("DS_AVAILABLE_IN_ALL")[1:]:
            declaration = declaration.lstrip()
            match = public_api.DECLARED_TYPE.match(declaration)
            if match is not None:
                self.add(f"GType {match.group(1)}_get_type (void)")
            else:
                self.add(declaration.split(";")[0])


def is_length(c_type, name):
    return c_type in ("gsize", "guint", "guint32") and name.startswith("n_")


class Call:
    """How one function is called."""

    def __init__(self, api, function):
        self.name = function.name
        self.kinds = []
        if function.name in BY_HAND:
            self.kinds, self.text = BY_HAND[function.name]
            return
        arguments = []
        for index, (c_type, name) in enumerate(function.parameters):
            rest = function.parameters[index + 1:]
            while rest and rest[0][0] in ARRAYS:
                rest = rest[1:]
            if c_type in ARRAYS and rest and is_length(*rest[0]):
                self.take(ARRAYS[c_type], arguments)
            elif is_length(c_type, name) and index > 0 and function.parameters[index - 1][0] in ARRAYS:
                self.take("length", arguments)
            elif (function.name, name) in PARAMETERS:
                self.take(PARAMETERS[function.name, name], arguments)
            elif c_type in TYPES:
                self.take(TYPES[c_type], arguments)
            elif c_type in api.enums:
                self.take("enum", arguments)
                arguments[-1] = f"({c_type}) {arguments[-1]}"
            elif c_type in api.callbacks:
                self.take("function", arguments)
                arguments[-1] = f"({arguments[-1]} ? api_{c_type} : NULL)"
            else:
                raise Unknown(f"{function.name}: no argument of the type {c_type!r}, its {name!r}: say in TYPES of "
                              "generate-calls.py how to make one, in BY_HAND how to call it, or in LEFT_OUT why "
                              "it is not called")
        # What is given back must first be taken.
        if function.name.endswith("_unref"):
            take = function.name[:-len("unref")] + "ref"
            arguments[0] = f"({arguments[0]} != NULL ? {take} ({arguments[0]}) : NULL)"
        self.text = f"{function.name} ({', '.join(arguments)})"
        if function.result in RESULTS and function.name not in UNREAD:
            self.text = f"api_use_{RESULTS[function.result]} (call, {self.text})"
        elif function.result != "void":
            self.text = f"(void) {self.text}"

    def take(self, kind, arguments):
        arguments.append(f"api_{kind} (call, {len(self.kinds)})")
        self.kinds.append(kind)


def when(name):
    if name in WAITING:
        return "API_WAITS"
    if name in SLEEPING:
        return "API_SLEEPS"
    return "API_ENDS" if ENDING.search(name) else "API_PLAIN"


def write_callback(name, result, parameters):
    """A function of the program that does the least it can."""
    if result == "void":
        body = ""
    elif result == "gboolean":
        body = "  return TRUE;\n"
    elif result == "DsValue":
        values = [p for t, p in parameters if t == "DsValue"]
        body = f"  return {values[0]};\n" if values else "  return ds_value_null ();\n"
    elif result == "DsRdd *" and ("DsRdd *", "rdd") in parameters:
        body = "  return g_object_ref (rdd);\n"
    elif result == "DsBlock *" and ("DsBlock *", "block") in parameters:
        body = "  return ds_block_ref (block);\n"
    elif result.endswith("*"):
        body = "  return NULL;\n"
    else:
        body = "  return 0;\n"
    space = "" if result.endswith("*") else " "
    text = ", ".join(f"{t}{'' if t.endswith('*') else ' '}{p}" for t, p in parameters)
    return f"static {result}{space}\napi_{name} ({text})\n{{\n{body}}}\n"


def write(api, output):
    calls = []
    problems = [f"{name}: not found by generate-calls.py"
                for name in sorted((public_api.exported_functions() | public_api.inline_functions()) -
                                   set(api.functions))]
    for function in sorted(api.functions.values(), key=lambda f: f.name):
        if function.name in LEFT_OUT:
            continue
        try:
            calls.append(Call(api, function))
        except Unknown as problem:
            problems.append(str(problem))
    for name in set(BY_HAND) | set(LEFT_OUT) | set(UNREAD) | set(WAITING) | set(SLEEPING) | {n for n, _ in PARAMETERS}:
        if name not in api.functions:
            problems.append(f"{name} is named in generate-calls.py, but no header has it")
    used = {t for f in api.functions.values() for t, _ in f.parameters}
    lines = ["/* Written by generate-calls.py. */", '#include "tests/behaviour/api-calls.h"', ""]
    lines += [f'#include "{path}"' for path in api.headers] + [""]
    lines += [write_callback(name, *api.callbacks[name]) for name in sorted(api.callbacks) if name in used]
    for call in calls:
        lines.append(f"static void\ncall_{call.name} (ApiCall *call)\n{{\n  {call.text};\n}}\n")
    lines.append("const ApiFunction api_functions[] = {")
    for call in calls:
        counts = ", ".join(f"API_N_{kind.upper()}" for kind in call.kinds)
        lines.append(f'  {{ "{call.name}", call_{call.name}, {when(call.name)}, {len(call.kinds)}, {{ {counts or 0} }} }},')
    lines.append("  { NULL, NULL, API_PLAIN, 0, { 0 } },\n};\n")
    lines.append("const char *const api_problems[] = {")
    lines += [f'  "{problem}",' for problem in problems]
    lines.append("  NULL,\n};\n")
    lines.append("const char *const api_callback_types[] = {")
    lines += [f'  "{name}",' for name in sorted(set(api.callbacks) & used) + api.slots]
    lines.append("  NULL,\n};")
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    write(Api(), sys.argv[1])
