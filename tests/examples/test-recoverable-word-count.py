#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The recoverable word count is killed with SIGKILL at random times, again and again; its totals are exact.

Two sources, two promises:

folder  A file that was moved in is counted once: the totals are those of all files.
socket  What the log has is counted once, and it has a prefix of what was sent. The sender
        learns where to go on from the output: after each start it sends a mark, waits until a
        file has it (by then everything that the log gave back is in a file, too), and goes on
        behind the highest number that it finds. Each number must be there exactly once.

Whatever a reader could see never changes later.

usage: test-recoverable-word-count.py PROGRAM [--seed SEED] [--kills N] [-m slow]
"""

import argparse
import collections
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, "project"))

import tap  # noqa: E402

DEADLINE = 60.0  # seconds that anything may take
INTERVAL = 50  # of batches, in ms
OUTPUT = re.compile(r"counts-(\d+)\.txt$")
PAIR = re.compile(rb"\((\w+),(\d+)\)")


class Outputs:
    """What a reader of the output folder has seen so far."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = {}  # name: (stamp, content)
        self.counts = {}  # batch: {word: count}

    def look(self, checks_old=True):
        """Reads what is new, and checks that nothing is different or gone."""
        names = set()
        if os.path.isdir(self.folder):
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    match = OUTPUT.match(entry.name)
                    if match is None:
                        continue
                    names.add(entry.name)
                    if entry.name not in self.seen or checks_old:
                        self.look_at(entry, int(match.group(1)))
        gone = sorted(set(self.seen) - names)
        tap.check(not gone, f"files that could be seen are gone: {gone[:5]}")

    def look_at(self, entry, batch):
        status = entry.stat()
        stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
        old_stamp, old = self.seen.get(entry.name, (None, None))
        if stamp == old_stamp:
            return
        with open(entry.path, "rb") as file:
            content = file.read()
        tap.check(old is None or content == old, f"{entry.name} was {old!r}, and is {content!r} now")
        self.seen[entry.name] = (stamp, content)
        lines = content.splitlines()
        pairs = [PAIR.fullmatch(line) for line in lines]
        tap.check(all(pairs) and content.endswith(b"\n"), f"{entry.name} is no file of counts: {content!r}")
        self.counts[batch] = {pair.group(1).decode(): int(pair.group(2)) for pair in pairs}
        tap.check(len(self.counts[batch]) == len(lines), f"{entry.name} has a word twice: {content!r}")

    def totals(self):
        """The newest count of each word; each must be higher than the one before."""
        totals = {}
        for batch in sorted(self.counts):
            for word, count in self.counts[batch].items():
                tap.check(count > totals.get(word, 0),
                          f"batch {batch} ms counts {word} {count} times, one before it {totals.get(word)} times")
                totals[word] = count
        return totals


class WordCount:
    """One run of the program after the other, all in the same folder."""

    def __init__(self, program, root, arguments):
        self.command = [program, "--interval", str(INTERVAL)] + arguments
        self.root = root
        self.outputs = Outputs(os.path.join(root, "out"))
        self.process = None

    def start(self):
        with open(os.path.join(self.root, "stdout"), "wb") as out, open(os.path.join(self.root, "stderr"), "wb") as err:
            self.process = subprocess.Popen(self.command, cwd=self.root, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=err)

    def printed(self, name="stdout"):
        with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def check_alive(self):
        tap.check(self.process.poll() is None, f"it ended by itself with status {self.process.returncode}: "
                  f"{self.printed('stderr')[-2000:]}")

    def kill(self):
        self.check_alive()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(DEADLINE)
        self.outputs.look()

    def await_output(self, condition, what):
        deadline = time.monotonic() + DEADLINE
        while True:
            self.check_alive()
            self.outputs.look(checks_old=False)
            if condition():
                return
            tap.check(time.monotonic() < deadline, f"{what} did not come in {DEADLINE:.0f} s")
            time.sleep(0.01)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(DEADLINE)
        tap.check(status == 0, f"after SIGTERM it ended with status {status}: {self.printed('stderr')[-2000:]}")
        report = re.search(r"received (\d+), processed (\d+), left 0", self.printed())
        tap.check(report is not None and report.group(1) == report.group(2),
                  f"not all was processed before the stop: {self.printed()!r}")
        self.outputs.look()

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(DEADLINE)


def check_totals(found, expected):
    wrong = {word: (expected.get(word, 0), found.get(word, 0)) for word in set(found) | set(expected)
             if found.get(word, 0) != expected.get(word, 0)}
    tap.check(not wrong, f"{len(wrong)} totals are wrong, (expected, found): {dict(sorted(wrong.items())[:10])}")


def check_went_on(word_count):
    tap.check(word_count.printed().startswith("goes on\n"), f"the last run does not go on: {word_count.printed()!r}")


# ---- A folder ----

class Inbox:
    def __init__(self, root, chance):
        self.root = root
        self.chance = chance
        self.expected = collections.Counter()
        self.n_files = 0
        os.mkdir(os.path.join(root, "inbox"))

    def put(self):
        words = [f"w{self.chance.randrange(40)}" for _ in range(self.chance.randrange(1, 30))]
        self.n_files += 1
        self.expected.update(words)
        aside = os.path.join(self.root, "aside")
        with open(aside, "w", encoding="ascii") as file:
            file.write("\n".join(words) + "\n")
        os.rename(aside, os.path.join(self.root, "inbox", f"{self.n_files}.txt"))


def check_folder(program, chance, n_kills):
    with tempfile.TemporaryDirectory(prefix="dstream-killed-") as root:
        inbox = Inbox(root, chance)
        word_count = WordCount(program, root, ["inbox"])
        try:
            started = time.monotonic()
            inbox.put()
            word_count.start()
            word_count.await_output(lambda: word_count.outputs.totals(), "the first output")
            longest = 2 * (time.monotonic() - started) + 0.1
            word_count.kill()
            for _ in range(n_kills):
                end = time.monotonic() + chance.uniform(0, longest)
                word_count.start()
                while (left := end - time.monotonic()) > 0:
                    time.sleep(min(left, chance.uniform(0, longest / 3)))
                    inbox.put()
                word_count.kill()
            word_count.start()
            word_count.await_output(lambda: word_count.outputs.totals() == inbox.expected
                                    or sum(word_count.outputs.totals().values()) >= sum(inbox.expected.values()),
                                    "the last total")
            check_went_on(word_count)
            word_count.stop()
            check_totals(word_count.outputs.totals(), inbox.expected)
            print(f"# {n_kills} kills, {inbox.n_files} files, {sum(inbox.expected.values())} words, "
                  f"{len(word_count.outputs.counts)} batches with words: exact")
        finally:
            word_count.end()


# ---- A socket ----

def highest_number(totals):
    """Of n1, n2, ..., all of which must be there once."""
    numbers = sorted(int(word[1:]) for word in totals if word.startswith("n"))
    tap.check(numbers == list(range(1, len(numbers) + 1)),
              f"of the {len(numbers)} numbers up to {numbers[-1:]} some are missing")
    twice = [word for word, count in totals.items() if word.startswith("n") and count != 1]
    tap.check(not twice, f"counted more than once: {twice[:10]}")
    return len(numbers)


class Sender:
    """Sends n<number> and an x with it, one line after the other, to the run that connects."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(1)
        self.port = self.listener.getsockname()[1]
        self.thread = None
        self.ended = threading.Event()
        self.connection = None

    def connect(self, word_count, mark):
        """Waits for this run to connect, and sends the mark."""
        deadline = time.monotonic() + DEADLINE
        while self.connection is None:
            word_count.check_alive()
            tap.check(time.monotonic() < deadline, f"it did not connect in {DEADLINE:.0f} s")
            try:
                self.connection = self.listener.accept()[0]
            except TimeoutError:
                continue
        self.connection.settimeout(DEADLINE)
        self.connection.sendall(f"{mark}\n".encode())

    def begin(self, number, pause):
        def send():
            n = number
            try:
                while not self.ended.wait(pause):
                    self.connection.sendall(f"n{n} x\n".encode())
                    n += 1
            except OSError:
                pass  # it was killed

        self.ended.clear()
        self.thread = threading.Thread(target=send, daemon=True)
        self.thread.start()

    def end(self):
        self.ended.set()
        if self.thread is not None:
            self.thread.join(DEADLINE)
            self.thread = None
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def check_socket(program, chance, n_kills):
    sender = Sender()
    n_sent = 0
    with tempfile.TemporaryDirectory(prefix="dstream-killed-") as root:
        word_count = WordCount(program, root, ["127.0.0.1", str(sender.port)])
        try:
            for kill in range(n_kills + 1):
                mark = f"m{kill}"
                word_count.start()
                sender.connect(word_count, mark)
                word_count.await_output(lambda mark=mark: mark in word_count.outputs.totals(), f"mark {mark}")
                n_sent = highest_number(word_count.outputs.totals())
                sender.begin(n_sent + 1, 0.001)
                if kill < n_kills:
                    time.sleep(chance.uniform(0, 0.3))
                    word_count.kill()
                    sender.end()
            check_went_on(word_count)
            time.sleep(0.2)
            sender.end()
            word_count.stop()
            totals = word_count.outputs.totals()
            n_lines = highest_number(totals)
            tap.check(n_lines > n_sent, "the last run has counted nothing")
            check_totals({"x": totals.get("x", 0)}, {"x": n_lines})
            print(f"# {n_kills} kills, {n_lines} lines, {len(word_count.outputs.counts)} batches with lines: exact")
        finally:
            sender.end()
            word_count.end()


def main():
    arguments, test_options = tap.read_arguments(sys.argv[1:])
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int)
    options = parser.parse_args(arguments)
    seed = test_options.seed or str(random.SystemRandom().randrange(1 << 32))
    n_kills = options.kills or (500 if test_options.is_slow else 50)
    program = os.path.abspath(options.program)
    print(f"# seed {seed}")
    tap.run([
        (f"/examples/recoverable-word-count/{name}/totals-are-exact-after-{n_kills}-kills",
         lambda check=check, name=name: check(program, random.Random(f"{seed} {name}"), n_kills))
        for name, check in (("folder", check_folder), ("socket", check_socket))])


if __name__ == "__main__":
    main()
