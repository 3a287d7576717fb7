# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program of the contract (README.md): preparing, running, checking; and its directory."""

import os
import select
import shutil
import signal

FINISHED, FAILED, KILLED, DIED, HUNG, UNSEEN = "finished", "failed", "killed", "died", "hung", "unseen"
SHIM_STATUS = 99


class BadProgram(Exception):
    """The program does not follow the contract."""


def read_tree(root):
    """path -> bytes, or None for a directory."""
    image = {}
    todo = [("", root)]
    while todo:
        prefix, folder = todo.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    image[path] = None
                    todo.append((path + "/", entry.path))
                else:
                    with open(entry.path, "rb") as file:
                        image[path] = file.read()
    return image


def write_tree(root, image, old=None):
    """Makes the directory what @image says.  What is right already is left alone, so that the
    input keeps its inodes and times."""
    if old is None:
        old = read_tree(root)
    for path in sorted(old, reverse=True):
        if path not in image or (image[path] is None) != (old[path] is None):
            if old[path] is None:
                os.rmdir(os.path.join(root, path))
            else:
                os.unlink(os.path.join(root, path))
    for path in sorted(image):
        content = image[path]
        have = old.get(path, Ellipsis)
        if content is None:
            if have is not None:
                os.mkdir(os.path.join(root, path), 0o700)
        elif have is Ellipsis or have is None or have != content:
            # A file of its own: as after a reboot nobody has it open, and no time stays.
            fd = os.open(os.path.join(root, path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(fd, content)
            finally:
                os.close(fd)


class Program:
    def __init__(self, name, command, shim, folder, planted=None, timeout=30):
        self.name = name
        self.command = command
        self.shim = shim
        self.folder = folder
        self.root = os.path.join(folder, "root")
        self.acks = os.path.join(folder, "acks")
        self.log = os.path.join(folder, "log")
        self.output = os.path.join(folder, "output")
        self.timeout = timeout
        self.env = dict(os.environ, G_SLICE="always-malloc")
        for name in ("LD_PRELOAD", "DS_CRASH_PLAN", "DS_CRASH_PLANTED", "DS_CRASH_LOG", "DS_FAILPOINTS", "DS_FAILPOINTS_REPORT"):
            self.env.pop(name, None)
        if planted is not None:
            self.env["DS_CRASH_PLANTED"] = planted
        self.n_runs = 0

    def call(self, arguments, env):
        """(how it ended, status), its output is in self.output."""
        out = os.open(self.output, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open("/dev/null", os.O_RDONLY)
        try:
            # A group of its own, so that what it started ends with it.
            pid = os.posix_spawnp(self.command[0], self.command + arguments, env, setpgroup=0, file_actions=[
                (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, out, 1), (os.POSIX_SPAWN_DUP2, out, 2)])
        finally:
            os.close(null)
            os.close(out)
        self.n_runs += 1
        pidfd = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        is_over = poll.poll(self.timeout * 1000)
        if not is_over:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(pidfd)
        if not is_over:
            return HUNG, 0
        if os.WIFSIGNALED(status):
            return (KILLED if os.WTERMSIG(status) == signal.SIGKILL else DIED), os.WTERMSIG(status)
        code = os.WEXITSTATUS(status)
        return FINISHED if code == 0 else UNSEEN if code == SHIM_STATUS else FAILED, code

    def said(self):
        with open(self.output, encoding="utf-8", errors="replace") as file:
            return " | ".join(file.read().strip().splitlines()[-3:])

    def reset(self):
        shutil.rmtree(self.root, ignore_errors=True)
        os.makedirs(self.root, mode=0o700)
        self.write_acks(b"")

    def prepare(self):
        """A fresh directory with the input; what a program finds that starts for the first time."""
        self.reset()
        how, status = self.call(["prepare", self.root], self.env)
        if how != FINISHED:
            raise BadProgram(f"{self.name}: prepare {how} ({status}): {self.said()}")
        return read_tree(self.root)

    def write_acks(self, text):
        with open(self.acks, "wb") as file:
            file.write(text)

    def read_acks(self):
        with open(self.acks, "rb") as file:
            return file.read()

    def run(self, plan=None, more_env=None):
        """How it ended and its status; the log of its calls is in self.log."""
        if os.path.exists(self.log):
            os.unlink(self.log)
        env = dict(self.env, LD_PRELOAD=self.shim, DS_CRASH_ROOT=self.root, DS_CRASH_ACKS=self.acks,
                   DS_CRASH_LOG=self.log)
        if plan:
            env["DS_CRASH_PLAN"] = plan
        env.update(more_env or {})
        return self.call(["run", self.root, self.acks], env)

    def check(self, is_finished):
        """What a reader sees (key -> value), and [(kind, text)] of what is wrong."""
        how, status = self.call(["check", self.root, self.acks, "finished" if is_finished else "crashed"], self.env)
        if how != FINISHED:
            raise BadProgram(f"{self.name}: check {how} ({status}): {self.said()}")
        seen, problems = {}, []
        with open(self.output, encoding="utf-8", errors="surrogateescape") as file:
            for line in file:
                kind, _, text = line.rstrip("\n").partition(" ")
                if kind == "see":
                    key, _, value = text.partition(" ")
                    seen[key] = value
                elif kind in ("lost", "duplicated", "wrong"):
                    problems.append((kind, text))
                else:
                    raise BadProgram(f"{self.name}: check said \"{line.rstrip()}\"")
        return seen, problems

    def list_planted(self):
        how, status = self.call(["planted"], self.env)
        if how != FINISHED:
            raise BadProgram(f"{self.name}: planted {how} ({status}): {self.said()}")
        with open(self.output, encoding="utf-8") as file:
            return file.read().split()
