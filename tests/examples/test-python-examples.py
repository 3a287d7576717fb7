#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples in Python print what their head says, and a receiver derived in Python does
what one in C does, also when its functions raise exceptions.

usage: test-python-examples.py BUILD_FOLDER
"""

import ast
import os
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "project"))

import tap  # noqa: E402
import transcript  # noqa: E402

BUILD = os.path.abspath(tap.read_arguments(sys.argv[1:])[0][0])

# What the programs below begin with.
HEAD = """
import threading
import gi
gi.require_version("DStream", "1")
from gi.repository import DStream, GLib
SECOND = 1000000
clock = DStream.ManualClock.new(0)
ssc = DStream.StreamingContext.new("local[2]", "Python", SECOND)
ssc.set_clock(clock)
ssc.props.receiver_restart_delay = 1000

def run(receiver, *events):
    values = ssc.receiver_stream(receiver).collect()
    ssc.start()
    for event in events:
        assert event.wait(60)
    clock.advance(SECOND)
    ssc.await_batch(SECOND)
    block = values.get_block(SECOND)
    ssc.stop(DStream.StopFlags.NOW)
    print(block.to_variant().unpack())
"""


def python_with_gi():
    for python in (sys.executable, "python3", "/usr/bin/python3"):
        try:
            if subprocess.run([python, "-c", "import gi"], capture_output=True, check=False).returncode == 0:
                return python
        except FileNotFoundError:
            pass
    raise tap.Skip("no Python has the gi module (python3-gi)")


def devenv():
    """The command that runs a Python program with the library of the build tree."""
    if not os.path.exists(os.path.join(BUILD, "dstream", "DStream-1.typelib")):
        raise tap.Skip("built without introspection")
    return ["meson", "devenv", "-C", BUILD, python_with_gi()]


def check_example(name):
    path = os.path.join(tap.SOURCE_ROOT, "examples", name)
    steps = transcript.parse(ast.get_docstring(ast.parse(tap.read_file(path)), clean=False).splitlines())
    tap.check(steps and any(step.expected_text() for step in steps), f"{name} has no transcript")
    with tempfile.TemporaryDirectory(prefix="dstream-python-") as directory:
        program = os.path.join(directory, name)
        with open(program, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nexec {shlex.join(devenv() + [path])} \"$@\"\n")
        os.chmod(program, 0o755)
        transcript.run(steps, [directory])


def run_python(program):
    result = subprocess.run(devenv() + ["-c", HEAD + program], capture_output=True, text=True, check=False, timeout=120)
    tap.check(result.returncode == 0, f"status {result.returncode}\n{result.stdout}{result.stderr}")
    return result


def test_stores():
    result = run_python("""
class Receiver(DStream.Receiver):
    def __init__(self):
        super().__init__()
        self.done = threading.Event()

    def do_run(self, cancellable):
        assert self.store_string("string")
        assert self.store_bytes(GLib.Bytes.new(b"\\x00\\xff"))
        self.store_block(DStream.Block.new_from_strv(["one", "two"]), 0)
        self.store_text(GLib.Bytes.new(b"a line\\r\\nthe last"), 0)
        self.done.set()
        return True

receiver = Receiver()
run(receiver, receiver.done)
""")
    tap.check(result.stdout.strip() == "['string', [0, 255], 'one', 'two', 'a line', 'the last']",
              f"stored {result.stdout!r}")


def test_exceptions_are_failures():
    result = run_python("""
class Receiver(DStream.Receiver):
    def __init__(self):
        super().__init__()
        self.done = threading.Event()
        self.n_runs = 0

    def do_run(self, cancellable):
        self.n_runs += 1
        if self.n_runs == 1:
            raise GLib.Error("the first page is torn")
        if self.n_runs == 2:
            raise ValueError("nobody says so to C")
        self.store_string(f"run {self.n_runs}")
        self.done.set()
        return True

receiver = Receiver()
run(receiver, receiver.done)
""")
    tap.check(result.stdout.strip() == "['run 3']", f"stored {result.stdout!r}")
    tap.check("the first page is torn; trying again" in result.stderr, result.stderr)
    tap.check("failed without setting an error; trying again" in result.stderr, result.stderr)


def test_start_and_stop():
    result = run_python("""
class Receiver(DStream.Receiver):
    def __init__(self):
        super().__init__()
        self.done = threading.Event()
        self.acknowledged = threading.Event()

    def do_start(self):
        # On the main context of a thread that receivers share.
        source = GLib.timeout_source_new(1)
        source.set_callback(self.tick)
        source.attach(GLib.MainContext.get_thread_default())
        return True

    def tick(self, *unused):
        self.store_block(DStream.Block.new_from_strv(["tick"]), 7)
        self.done.set()
        return GLib.SOURCE_REMOVE

    def do_stop(self):
        print("stopped")

    def do_acknowledged(self, token):
        assert token == 7
        self.acknowledged.set()

receiver = Receiver()
run(receiver, receiver.done)
assert receiver.acknowledged.wait(60)
""")
    tap.check(sorted(result.stdout.split("\n")) == ["", "['tick']", "stopped"], f"found {result.stdout!r}")


if __name__ == "__main__":
    examples = sorted(name for name in os.listdir(os.path.join(tap.SOURCE_ROOT, "examples")) if name.endswith(".py"))
    tap.run([
        ("/python/receiver-stores-in-every-form", test_stores),
        ("/python/exceptions-of-a-receiver-are-failures", test_exceptions_are_failures),
        ("/python/receiver-with-start-and-stop", test_start_and_stop),
    ] + [(f"/python/examples/{name}", lambda name=name: check_example(name)) for name in examples])
