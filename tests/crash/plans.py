# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which states there are: phases, each a list of tasks that workers take."""

import os
import random
import re

from states import replay

# Each of the four models for data with all names, no data with each model for names, and
# the two ends.
MODELS = ("none/none", "none/all", "all/none", "prefix/all", "zeros/all", "torn/all", "all/all", "none/prefix", "all/subset",
          "all/prefix")
ERRORS = {
    "O": ("ENOSPC", "EDQUOT", "EIO", "EINTR"),
    "W": ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EINTR"),
    "S": ("EIO", "ENOSPC", "EINTR"),
    "R": ("EIO", "ENOSPC"),
    "M": ("EIO", "ENOSPC"),
    "L": ("EIO", "ENOSPC"),
    "T": ("EIO", "EINTR"),
    "U": ("EIO",),
    "X": ("EIO",),
    "C": ("EIO",),
}


class Sizes:
    """How much of each phase; 0: all."""

    def __init__(self, is_quick, has_memory=True):
        self.has_memory = has_memory
        self.kills = 0
        self.faults = 80 if is_quick else 0
        self.reads = 24 if is_quick else 100
        self.memories = 60 if is_quick else 0
        self.power_points = 90 if is_quick else 0
        self.power_seeds = 6 if is_quick else 40
        self.sync_failures = 10 if is_quick else 0
        self.sync_points = 5 if is_quick else 0
        self.names = 2 if is_quick else 0
        self.name_points = 6 if is_quick else 12
        self.inside_kills = 16 if is_quick else 80
        self.inside_points = 12 if is_quick else 80
        self.inside_calls = 8 if is_quick else 40
        self.inside_memories = 1 if is_quick else 20
        self.inside_powers = 3 if is_quick else 10
        self.inside_seeds = 1 if is_quick else 4
        self.random_seeds = 20 if is_quick else 500
        self.timed_seeds = 15 if is_quick else 500


def sample(items, n, chance):
    """@n of them in their order; 0: all."""
    items = list(items)
    if n == 0 or n >= len(items):
        return items
    return [items[i] for i in sorted(chance.sample(range(len(items)), n))]


def counted(records):
    return [record for record in records if record.is_counted]


def kill_steps(records):
    steps = []
    for record in counted(records):
        # What fails by itself changes nothing.
        if record.type == "C" or record.error != 0:
            continue
        steps.append(f"kill-before@{record.call}")
        if record.type == "W" and len(record.data) > 1:
            steps.append(f"kill-inside@{record.call}")
        steps.append(f"kill-after@{record.call}")
    return steps


def fault_steps(records):
    steps = []
    for record in counted(records):
        if record.error != 0:
            continue
        for error in ERRORS[record.type]:
            for times in (1,) if error == "EINTR" else (1, 2, 0):
                steps.append(f"fail@{record.call}:{error}:{times}")
        if record.type == "W" and len(record.data) > 1:
            steps += [f"half-fail@{record.call}:ENOSPC:{times}" for times in (1, 2, 0)]
    return steps


def memory_steps(records, sizes, n, chance):
    """Memory runs out for a moment, and in every third step for ever."""
    if not sizes.has_memory or not records or records[-1].type != "E":
        return []
    return [f"no-memory@{at}:ENOMEM:{0 if i % 3 == 2 else 1}"
            for i, at in enumerate(sample(range(1, records[-1].offset + 1), n, chance))]


def power_points(records, first=1):
    """Numbers of records after which the power may be cut: after each call, and when
    something was just acknowledged."""
    return [i + 1 for i, record in enumerate(records)
            if i + 1 >= first and record.error == 0 and (record.is_counted and record.type != "C" or record.type == "A")]


def name_of(record):
    """The name that a call gives, if it gives one."""
    if record.error != 0 or not record.is_counted or record.type not in "ORML":
        return None
    return record.to or record.path


def name_tasks(records, n, chance):
    """Killed where a name is there that nobody has synced, by which kind of call and in which directory.  @n (0: all)
    of those that differ in digits only."""
    alike = {}
    for record in records:
        name = name_of(record)
        if name:
            task = ("names", f"kill-after@{record.call}", record.type, os.path.dirname(name))
            alike.setdefault((record.type, re.sub(r"\d+", "#", name)), []).append(task)
    return [task for tasks in alike.values() for task in sample(tasks, n, chance)]


def phases(records, sizes, seed):
    """[(name, [task])]; a task is (kind, arguments...), see work ()."""
    chance = random.Random(seed)
    models = MODELS + tuple(f"seed-{seed + i}" for i in range(sizes.power_seeds))
    kills = kill_steps(records)
    syncs = [record.call for record in counted(records) if record.type == "S"]
    inside = [("inside", step) for step in sample(kills, sizes.inside_kills, chance)]
    inside += [("inside", f"power@{point}:{chance.choice(models)}")
               for point in sample(power_points(records), sizes.inside_points, chance)]
    chance.shuffle(inside)
    return [
        ("killed before, inside and after each call", [("steps", (step,)) for step in sample(kills, sizes.kills, chance)]),
        ("calls that fail, once, for a while, for ever",
         [("steps", (step,)) for step in sample(fault_steps(records), sizes.faults, chance)]),
        ("power cut after each call",
         [("power", point, models) for point in sample(power_points(records), sizes.power_points, chance)]),
        ("power cut after a failed sync", [("sync", call) for call in sample(syncs, sizes.sync_failures, chance)]),
        ("killed before a name was synced, then power cut",
         name_tasks(records, sizes.names, chance)),
        ("all of it again inside recovery", inside),
        ("syncs that failed until the process was killed, and then the same",
         [("inside", f"fail@{call}:EIO:0") for call in sample(syncs, sizes.sync_failures, random.Random(seed))]),
        ("EINTR, short reads and writes", [("steps", (f"random@{seed + i}",)) for i in range(sizes.random_seeds)]),
        ("reads that fail in recovery",
         [("steps", (sample(kills, 1, chance)[0], f"read-fail@{1 + i // 2 % 6}:EIO:{i % 2}"))
          for i in range(sizes.reads)]),
        ("memory runs out", [("steps", (step,)) for step in memory_steps(records, sizes, sizes.memories, chance)]),
        ("killed at some time",
         [("steps", (f"timed@{seed + 2 * i}", f"timed@{seed + 2 * i + 1}")) for i in range(sizes.timed_seeds)]),
    ]


def work(lab, sizes, seed, task):
    """Yields ("step+step", findings) of each state of a task."""
    kind = task[0]
    if kind == "steps":
        yield "+".join(task[1]), lab.evaluate(task[1])
    elif kind == "power":
        yield from cut_power_everywhere(lab, lab.start, lab.log_of_start(), [task[1]], task[2], "", "")
    elif kind == "sync":
        plan = f"fail:{task[1]}:EIO:1"
        records = lab.run(lab.start, plan, [], may_fail=True)[0]
        failed = [i for i, record in enumerate(records) if record.call == task[1]]
        chance = random.Random(seed + task[1])
        points = power_points(records, failed[0] + 1) if failed else []
        points = sample(points, sizes.sync_points, chance) + [len(records)]
        yield from cut_power_everywhere(lab, lab.start, records, points, ("none/none", "none/all", f"seed-{seed}"),
                                        "", "@" + plan)
    elif kind == "names":
        yield from work_names(lab, sizes, *task[1:])
    else:
        yield from work_inside(lab, sizes, seed, task[1])


def cut_power_everywhere(lab, state, records, points, models, prefix, suffix):
    for point in points:
        findings = []
        disk = replay(state.disk(), records[:point])
        live = lab.seen_alive(state, disk, b"".join([state.acks] + [record.data for record in records[:point]
                                                                   if record.type == "A"]), findings)
        for model in models:
            found = lab.evaluate_power(state, records[:point], model, disk, live)
            yield f"{prefix}power@{point}:{model}{suffix}", findings + found
            findings = []


def work_names(lab, sizes, first, kind, folder):
    """What a killed run has named and not synced is there for the next one, which may name
    more that builds on it; then of all these names any may last."""
    findings = []
    state = lab.step(lab.start, first, findings)
    records = lab.log_of(state)
    points = [i + 1 for i, record in enumerate(records)
              if name_of(record) and record.type == kind and os.path.dirname(name_of(record)) == folder]
    yield first, findings
    yield from cut_power_everywhere(lab, state, records, points[:sizes.name_points], ("all/last", "all/subset"), first + "+",
                                    "")


def work_inside(lab, sizes, seed, first):
    """Brings the program into a state, then lets everything befall its recovery."""
    chance = random.Random(f"{seed} {first}")
    findings = []
    state = lab.step(lab.start, first, findings)
    if findings or state.is_finished:
        lab.n_states += 1
        yield first, findings
        return
    records = lab.log_of(state)
    steps = sample(kill_steps(records), sizes.inside_calls, chance)
    if steps:
        steps += sample(fault_steps(records), sizes.inside_calls // 2, chance)
        steps += memory_steps(records, sizes, sizes.inside_memories, chance)
    for step in steps:
        yield f"{first}+{step}", lab.evaluate((step,), state)
    models = ("none/none", "none/all", "all/subset") + tuple(f"seed-{seed + i}" for i in range(sizes.inside_seeds))
    points = sample(power_points(records), sizes.inside_powers, chance)
    yield from cut_power_everywhere(lab, state, records, points, models, first + "+", "")
    # As after a boot that fails: the power is cut once more when all is done.
    yield from cut_power_everywhere(lab, state, records, [len(records)], ("none/none",), first + "+", "")
