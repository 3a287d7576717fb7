#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The word count of the examples against servers that misbehave, in TAP.

Each server does one bad thing; the program must say so in words on standard error, go on,
count what came before and after, and end on SIGTERM with a report in which everything that
was received was processed.  Standard output must never carry a raw control character.

Usage: test-network-word-count.py PROGRAM
"""

import contextlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "project"))

import tap  # noqa: E402 pylint: disable=wrong-import-position

DEADLINE = 60.0  # seconds that anything may take


class Failure(Exception):
    """A sentence on what was expected and what was found."""


class Output:
    """What a stream of the program gave so far."""

    def __init__(self, stream):
        self._data = b""
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        while True:
            piece = os.read(stream.fileno(), 65536)
            with self._changed:
                self._data += piece
                self._changed.notify_all()
            if not piece:
                return

    def bytes(self):
        with self._changed:
            return self._data

    def await_match(self, pattern, what, start=0):
        """Waits until the regular expression is found after START."""
        deadline = time.monotonic() + DEADLINE
        with self._changed:
            while True:
                match = re.search(pattern, self._data[start:])
                if match:
                    return match
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Failure(
                        f"{what}: {pattern!r} did not come in {DEADLINE:.0f} s; "
                        f"the end of what came is {self._data[-600:]!r}"
                    )
                self._changed.wait(left)

    def join(self):
        self._thread.join(DEADLINE)


class WordCount:
    """The running program."""

    def __init__(self, program, port):
        self.process = subprocess.Popen(
            [program, "--interval", "0.1", "127.0.0.1", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.out = Output(self.process.stdout)
        self.err = Output(self.process.stderr)

    def await_count(self, word, n):
        self.out.await_match(
            rb"(?m)^\(" + word + rb"," + str(n).encode() + rb"\)$", "standard output"
        )

    def await_message(self, pattern):
        self.err.await_match(pattern, "standard error")

    def peak_mebibytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1)) // 1024

    def stop(self, n_records):
        """SIGTERM: it must end well and have processed the N_RECORDS that it received."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failure(f"it did not end within {DEADLINE:.0f} s after SIGTERM") from None
        self.out.join()
        self.err.join()
        if status != 0:
            raise Failure(f"it ended with status {status}: {self.err.bytes()[-600:]!r}")
        report = re.search(
            rb"received (\d+), processed (\d+)", self.err.bytes() + self.out.bytes()
        )
        if report is None:
            raise Failure(f"no report at the end: {self.err.bytes()[-600:]!r}")
        received, processed = int(report.group(1)), int(report.group(2))
        if received != processed or received != n_records:
            raise Failure(
                f"expected {n_records} records received and processed, "
                f"the report says {report.group(0).decode()}"
            )
        self.check_output()

    def check_output(self):
        """Nothing on standard output may steer a terminal."""
        data = self.out.bytes()
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise Failure(f"standard output is not UTF-8: {problem}") from None
        for character in text:
            if unicodedata.category(character) == "Cc" and character != "\n":
                raise Failure(f"raw control character {character!r} on standard output")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def listen(port=0):
    server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen(8)
    server.settimeout(DEADLINE)
    return server


def accept(server):
    try:
        connection, _ = server.accept()
    except socket.timeout:
        raise Failure(f"nobody connected within {DEADLINE:.0f} s") from None
    connection.settimeout(DEADLINE)
    return connection


@contextlib.contextmanager
def word_count(program, port):
    running = WordCount(program, port)
    try:
        yield running
    finally:
        running.kill()


@contextlib.contextmanager
def connected(program):
    """A running word count, the server, and its first connection."""
    with listen() as server, word_count(program, server.getsockname()[1]) as running:
        with accept(server) as connection:
            yield running, server, connection


def reset(connection):
    """Closes with a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# ---- One server each ----


def server_that_is_not_there_yet(program):
    with listen() as placeholder:
        port = placeholder.getsockname()[1]
    with word_count(program, port) as running:
        running.await_message(str(port).encode())
        running.await_message(rb"(?i)refused")
        with listen(port) as server, accept(server) as connection:
            connection.sendall(b"late late is fine\n")
            running.await_count(b"late", 2)
            running.stop(1)


def server_that_sends_single_bytes(program):
    with connected(program) as (running, _, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"drip drip drop\n":
            connection.sendall(bytes([byte]))
            time.sleep(0.05)  # the pace is what is tested
        running.await_count(b"drip", 2)
        running.await_count(b"drop", 1)
        running.stop(1)


def server_with_an_endless_line(program):
    with connected(program) as (running, _, connection):
        piece = b"x" * (1 << 20)
        connection.sendall(b"before\n")
        for _ in range(100):
            connection.sendall(piece)
        connection.sendall(b"\nafter after\n")
        running.await_count(b"after", 2)
        running.await_count(b"before", 1)
        running.await_message(rb"(?i)line.*(long|limit|bytes)")
        peak = running.peak_mebibytes()
        print(f"# peak memory {peak} MiB")
        if peak > 400:
            raise Failure(f"100 MiB without a line end took {peak} MiB of memory")
        running.stop(2)


def server_that_sends_nul_bytes(program):
    with connected(program) as (running, _, connection):
        connection.sendall(b"a\0b a\0b \0\nplain\n")
        running.out.await_match(rb"(?m)^\(a[^,\0]*b,2\)$", "standard output")
        running.await_count(b"plain", 1)
        running.stop(2)


def server_that_sends_invalid_text(program):
    with connected(program) as (running, _, connection):
        connection.sendall(b"\xff\xfe \xc3\x28 \xe2\x82 \xf8\x88\x80\x80\x80\nplain\n")
        running.await_count(b"plain", 1)
        running.stop(2)


def server_that_sends_control_characters(program):
    with connected(program) as (running, _, connection):
        # A title, a colour, a bell, backspaces, delete, CSI in its one-byte form.
        connection.sendall(b"\x1b]0;owned\x07 \x1b[31mred \x08\x08 \x7f \xc2\x9b2J plain\n")
        running.await_count(b"plain", 1)
        running.out.await_match(rb"red,1\)", "standard output")
        running.stop(1)


def server_that_closes_inside_a_line(program):
    with connected(program) as (running, server, connection):
        connection.sendall(b"whole\nunterminated")
        connection.close()
        running.await_count(b"whole", 1)
        running.await_count(b"unterminated", 1)
        running.await_message(rb"(?i)clos|end")
        with accept(server) as again:
            again.sendall(b"again\n")
            running.await_count(b"again", 1)
            running.stop(3)


def server_that_resets(program):
    with connected(program) as (running, server, connection):
        connection.sendall(b"whole\nunterminated")
        running.await_count(b"whole", 1)
        reset(connection)
        running.await_message(rb"(?i)reset")
        with accept(server) as again:
            again.sendall(b"again\n")
            running.await_count(b"again", 1)
            if b"unterminated" in running.out.bytes():
                raise Failure("the line that the reset cut off was counted")
            running.stop(2)


def a_second_signal_ends_it_at_once(program):
    with connected(program) as (running, _, connection):
        connection.sendall(b"word\n")
        running.await_count(b"word", 1)
        running.process.send_signal(signal.SIGTERM)
        running.process.send_signal(signal.SIGTERM)
        try:
            running.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failure("it did not end after two signals") from None


CASES = [
    server_that_is_not_there_yet,
    server_that_sends_single_bytes,
    server_with_an_endless_line,
    server_that_sends_nul_bytes,
    server_that_sends_invalid_text,
    server_that_sends_control_characters,
    server_that_closes_inside_a_line,
    server_that_resets,
    a_second_signal_ends_it_at_once,
]


def main():
    arguments, _ = tap.read_arguments(sys.argv[1:])
    if not arguments:
        sys.exit("usage: test-network-word-count.py PROGRAM [CASE...]")
    program, *wanted = arguments
    cases = [case for case in CASES if not wanted or case.__name__ in wanted]
    failed = False
    print("TAP version 13")
    print(f"1..{len(cases)}", flush=True)
    for number, case in enumerate(cases, 1):
        name = "/behaviour/network-word-count/" + case.__name__.replace("_", "-")
        try:
            case(program)
            print(f"ok {number} {name}", flush=True)
        except (Failure, OSError) as problem:
            failed = True
            print(f"not ok {number} {name}")
            for line in str(problem).splitlines():
                print(f"# {line}")
            sys.stdout.flush()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
