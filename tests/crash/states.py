# SPDX-License-Identifier: LGPL-2.1-or-later
"""The loop: a program is brought into a state by steps, recovers, and is compared.

A step is written as it is given to `run --only`; steps are joined with +, each but the first
befalls the recovery from the one before.

  kill-before@N, kill-inside@N, kill-after@N   killed at call N
  fail@N:ERRNO:TIMES, half-fail@..., read-fail@...   call N fails; TIMES 0: for ever
  no-memory@N:ENOMEM:TIMES   taking memory fails, the Nth time and perhaps from then on
  random@SEED         EINTR, short reads and short writes throughout
  failpoint@NAME:K    killed at a failpoint of the library, the Kth time it comes by
  timed@SEED          killed from outside, at some time
  power@K:MODEL       the power is cut after record K of the log; MODEL: DATA/NAMES or seed-N
  power@K:MODEL@PLAN  the same in a run that PLAN befalls, as fail:12:EIO:1
"""

import os
import random
import re
import signal

from disk import Disk, Unseen, read_log
from program import DIED, FAILED, FINISHED, HUNG, KILLED, UNSEEN, read_tree, write_tree

CALL_STEP = re.compile(r"(kill-before|kill-inside|kill-after|fail|half-fail|read-fail|no-memory|random)@(\d+)((?::\w+)*)$")
FAILPOINT_STEP = re.compile(r"failpoint@([a-z.-]+):(\d+)$")
POWER_STEP = re.compile(r"power@(\d+):([^@]+)(?:@(.+))?$")


def ends_by_lack_of_memory(plan, status):
    """A kill like any other.  Who has nothing left to say it with ends in GLib by a stack that is full."""
    if plan is None or not plan.startswith("no-memory"):
        return False
    return status in (signal.SIGABRT, signal.SIGTRAP) or status == signal.SIGSEGV and plan.endswith(":0")


class Finding:
    def __init__(self, kind, text):
        self.kind = kind  # lost, duplicated, wrong, changed, refused, died, hung
        self.text = text

    def __str__(self):
        return f"{self.kind}: {self.text}"


class State:
    """A directory between two runs, and what the world outside knows."""

    def __init__(self, image, acks=b"", seen=None):
        self.image = image
        self.acks = acks
        self.seen = dict(seen or {})  # whatever a reader could see until now
        self.there = set()            # of these the keys that no power cut can have taken
        self.base = image             # the disk at the last power cut ...
        self.logs = []                # ... and the logs of the processes since
        self.is_finished = False      # the last run ended by itself

    def disk(self):
        disk = Disk(self.base)
        for log in self.logs:
            disk.start_process()
            for record in log:
                disk.feed(record)
        disk.start_process()
        return disk


def replay(disk, records):
    for record in records:
        disk.feed(record)
    return disk


def acks_of(before, records):
    return before + b"".join(record.data for record in records if record.type == "A" and record.error == 0)


class Lab:
    """One program in one directory; steps are taken one after the other."""

    def __init__(self, program):
        self.program = program
        self.start = State(program.prepare())
        self.have = None     # what the directory holds now, when known
        self.results = {}    # state that was recovered from -> what came of it
        self.last_log = None
        self.base_log = None
        self.n_states = 0
        self.n_recoveries = 0
        self.killed_at = set()  # failpoints

    # ---- Parts ----

    def enter(self, state):
        write_tree(self.program.root, state.image, self.have)
        self.have = None
        self.program.write_acks(state.acks)

    def run(self, state, plan, findings, may_fail, more_env=None):
        """Runs on from @state; the log, how it ended."""
        self.enter(state)
        how, status = self.program.run(plan, more_env)
        if how == DIED and ends_by_lack_of_memory(plan, status):
            how = KILLED
        if how == DIED:
            findings.append(Finding("died", f"by signal {status}: {self.program.said()}"))
        elif how == HUNG:
            findings.append(Finding("hung", f"for {self.program.timeout} s: {self.program.said()}"))
        elif how == UNSEEN:
            raise Unseen(self.program.said())
        elif how == FAILED and not may_fail:
            findings.append(Finding("refused", f"status {status}: {self.program.said()}"))
        return read_log(self.program.log), how

    def look(self, state, is_finished, findings):
        """Checks what is in the directory now, and adds what a reader sees to @state."""
        seen, problems = self.program.check(is_finished)
        findings += [Finding(kind, text) for kind, text in problems]
        self.compare(state, seen, is_finished, findings)

    @staticmethod
    def compare(state, seen, is_finished, findings):
        for key, value in seen.items():
            if state.seen.get(key, value) != value:
                findings.append(Finding("changed", f"{key} was {state.seen[key]} and is {value}"))
        for key in sorted(state.seen if is_finished else state.there):
            if key not in seen:
                findings.append(Finding("changed", f"{key} was {state.seen[key]} and is gone"))
        state.seen.update(seen)
        state.there = set(state.seen if is_finished else seen)

    def step(self, state, step, findings):
        """The state after @step from @state."""
        match = POWER_STEP.match(step)
        if match is not None:
            return self.cut_power(state, int(match.group(1)), match.group(2), match.group(3), findings)
        if step.startswith("timed@"):
            return self.kill_at_some_time(state, int(step[6:]), findings)
        match = FAILPOINT_STEP.match(step)
        if match is not None:
            return self.kill_at_failpoint(state, match.group(1), int(match.group(2)), findings)
        match = CALL_STEP.match(step)
        if match is None:
            raise ValueError(f"no step is written as {step}")
        plan = f"{match.group(1)}:{match.group(2)}{match.group(3)}"
        log, how = self.run(state, plan, findings, may_fail=not step.startswith("random"))
        # A process that ends itself may do that while another thread of it is in a call: as
        # in kill_at_some_time () the log may lack that one.
        return self.after_run(state, log, how, findings, is_followed=how != KILLED or not step.startswith("no-memory"))

    def after_run(self, state, log, how, findings, is_followed=True):
        """The state of the directory as it is now."""
        self.have = read_tree(self.program.root)
        after = State(self.have, self.program.read_acks(), state.seen)
        after.there = set(state.there)
        after.is_finished = how == FINISHED
        if is_followed:
            after.base = state.base
            after.logs = state.logs + [log]
        live = after.disk().live_image()
        if live != self.have:
            different = sorted(path for path in set(live) | set(self.have)
                               if live.get(path, 0) != self.have.get(path, 0))
            raise Unseen(f"{', '.join(different[:5])}: changed by calls that the shim does not see; see README.md")
        self.look(after, after.is_finished, findings)
        return after

    def kill_at_some_time(self, state, seed, findings):
        timeout = self.program.timeout
        self.program.timeout = random.Random(seed).uniform(0.002, 0.06)
        try:
            log, how = self.run(state, None, [], may_fail=True)
        finally:
            self.program.timeout = timeout
        # Killed between a call and its line in the log, perhaps: nobody knows what a power cut
        # would leave.
        return self.after_run(state, log, KILLED if how == HUNG else how, findings, is_followed=False)

    def kill_at_failpoint(self, state, name, hit, findings):
        log, how = self.run(state, None, findings, may_fail=True, more_env={"DS_FAILPOINTS": f"{name}=kill@{hit}"})
        if how == KILLED:
            self.killed_at.add(name)
        # As in kill_at_some_time ().
        return self.after_run(state, log, how, findings, is_followed=how != KILLED)

    def list_failpoints(self, state):
        """name -> how often an undisturbed run from @state comes by."""
        path = os.path.join(self.program.folder, "failpoints")
        if os.path.exists(path):
            os.unlink(path)
        self.run(state, None, [], may_fail=True, more_env={"DS_FAILPOINTS_REPORT": path})
        with open(path, encoding="utf-8") as file:
            return {name: int(n_hits) for name, n_hits in (line.split() for line in file)}

    def cut_power(self, state, n_records, model, plan, findings):
        key = (id(state), plan)
        if self.last_log is None or self.last_log[0] != key:
            self.last_log = (key, self.run(state, plan, findings, may_fail=plan is not None)[0], state)
        return self.power_state(state, self.last_log[1][:n_records], model, findings)

    def power_state(self, state, records, model, findings, disk=None, live=None):
        """@live: what a reader saw just before, when known."""
        if disk is None:
            disk = replay(state.disk(), records)
        acks = acks_of(state.acks, records)
        if live is None:
            live = self.seen_alive(state, disk, acks, findings)
        after = State(disk.after_power_cut(model), acks, live)
        self.look_at(after, False, findings)
        return after

    def seen_alive(self, state, disk, acks, findings):
        """What a reader has seen until the power is cut."""
        alive = State(disk.live_image(), acks, state.seen)
        alive.there = set(state.there)
        self.look_at(alive, False, findings)
        return alive.seen

    def look_at(self, state, is_finished, findings):
        """As look (), once for each different directory."""
        key = ("look", self.key(state), is_finished)
        if key not in self.results:
            self.enter(state)
            self.have = state.image
            self.results[key] = self.program.check(is_finished)
        seen, problems = self.results[key]
        findings += [Finding(kind, text) for kind, text in problems]
        self.compare(state, seen, is_finished, findings)

    @staticmethod
    def key(state):
        return hash((state.acks, tuple(sorted(state.image.items(), key=lambda item: item[0]))))

    # ---- Whole states ----

    def recover(self, state, findings):
        """The last run, undisturbed: it must end well, and everything must be right."""
        self.n_states += 1
        if state.is_finished:
            return
        key = ("recover", self.key(state))
        if key not in self.results:
            self.n_recoveries += 1
            found = []
            _, how = self.run(state, None, found, may_fail=False)
            seen, problems = {}, []
            if how == FINISHED:
                seen, problems = self.program.check(True)
            self.results[key] = (how, found, seen, problems)
        how, found, seen, problems = self.results[key]
        findings += found + [Finding(kind, text) for kind, text in problems]
        if how == FINISHED:
            self.compare(state, seen, True, findings)

    def evaluate(self, steps, state=None):
        """What is wrong after @steps."""
        findings = []
        state = state or self.start
        for step in steps:
            state = self.step(state, step, findings)
        self.recover(state, findings)
        return findings

    def log_of_start(self):
        """The log of an undisturbed run from the start; looked at as any other run is."""
        if self.base_log is None:
            findings = []
            self.base_log, how = self.run(self.start, None, findings, may_fail=False)
            if how == FINISHED:
                self.after_run(self.start, self.base_log, how, findings)
        return self.base_log

    def log_of(self, state):
        """The log of an undisturbed run from @state."""
        return self.run(state, None, [], may_fail=True)[0]

    def evaluate_power(self, state, records, model, disk, live):
        """The same for a power cut at a point whose log is at hand."""
        findings = []
        self.recover(self.power_state(state, records, model, findings, disk, live), findings)
        return findings
