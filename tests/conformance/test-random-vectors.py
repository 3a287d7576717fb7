#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random pipelines against a plain model of the operators, in TAP.

Makes cases of the shape of the vectors: sources, partitions and steps at random, what must
come out from lists in Python.  The conformance program runs them.

Usage: test-random-vectors.py PROGRAM [--seed TEXT] [-m slow] [--keep DIRECTORY]
"""

import argparse
import collections
import json
import os
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "project"))

import tap  # noqa: E402 pylint: disable=wrong-import-position

INT, TEXT = "int", "text"


def pair(key, value):
    return ("pair", key, value)


def is_pair(kind):
    return isinstance(kind, tuple) and kind[0] == "pair"


# ---- Functions: word -> (fits the kind?, kind of results, Python function) ----


def map_functions(rng):
    n = rng.choice([0, 1, 7, 10, -3])
    return {
        "identity": (lambda k: True, lambda k: k, lambda v: v),
        "to_string": (lambda k: k == INT, lambda k: TEXT, str),
        f"plus_{n}": (lambda k: k == INT, lambda k: INT, lambda v: v + n),
        "strlen": (lambda k: k == TEXT, lambda k: INT, len),
        "upper": (lambda k: k == TEXT, lambda k: TEXT, ascii_upper),
        "pair_with_1": (lambda k: not is_pair(k), lambda k: pair(k, INT), lambda v: [v, 1]),
        "pair_with_x": (lambda k: not is_pair(k), lambda k: pair(k, TEXT), lambda v: [v, "x"]),
        "pair_with_strlen": (lambda k: k == TEXT, lambda k: pair(TEXT, INT), lambda v: [v, len(v)]),
        "swap": (is_pair, lambda k: pair(k[2], k[1]), lambda v: [v[1], v[0]]),
        "first": (is_pair, lambda k: k[1], lambda v: v[0]),
        "second": (is_pair, lambda k: k[2], lambda v: v[1]),
    }


def flat_map_functions(rng):
    n = rng.choice([1, 3, 10])
    return {
        "chars": (lambda k: k == TEXT, lambda k: TEXT, list),
        "x_and_2x": (lambda k: k == INT, lambda k: INT, lambda v: [v, 2 * v]),
        "suffix_1_2": (lambda k: k == TEXT, lambda k: TEXT, lambda v: [v + "1", v + "2"]),
        f"v_and_v_plus_{n}": (lambda k: k == INT, lambda k: INT, lambda v: [v, v + n]),
        "len_char_pairs": (
            lambda k: k == TEXT,
            lambda k: pair(INT, TEXT),
            lambda v: [[len(v), c] for c in v],
        ),
        "value_char_pairs": (
            lambda k: is_pair(k) and k[1] == TEXT,
            lambda k: pair(k[2], TEXT),
            lambda v: [[v[1], c] for c in v[0]],
        ),
    }


FILTERS = {
    "is_even": (lambda k: k == INT, lambda v: v % 2 == 0),
    "contains_a": (lambda k: k == TEXT, lambda v: "a" in v),
    "key_contains_a": (lambda k: is_pair(k) and k[1] == TEXT, lambda v: "a" in v[0]),
    "value_nonzero": (lambda k: is_pair(k) and k[2] == INT, lambda v: v[1] != 0),
    "value_positive": (lambda k: is_pair(k) and k[2] == INT, lambda v: v[1] > 0),
}


def ascii_upper(text):
    return "".join(c.upper() if c.isascii() else c for c in text)


def key_of(value):
    """Something that can be a key of a dictionary, and keeps int and text apart."""
    return json.dumps(value)


def flatten(partitions):
    return [value for partition in partitions for value in partition]


class Model:
    """A stream: one list of partitions a batch (None: no RDD), and what is known of it."""

    def __init__(self, kind, batches):
        self.kind = kind
        self.batches = batches
        self.keeps_order = True  # no shuffle yet: order and partitions are known
        self.has_lists = False  # groups, whose order is open

    def each_partition(self, function, kind):
        self.batches = [
            None if batch is None else [function(partition) for partition in batch]
            for batch in self.batches
        ]
        self.kind = kind

    def each_batch(self, function, kind):
        """An operator that shuffles."""
        self.batches = [
            None if batch is None else [function(flatten(batch))] for batch in self.batches
        ]
        self.kind = kind
        self.keeps_order = False


# ---- Steps: each returns its JSON and changes the model, or None when it does not fit ----


def choose(rng, functions, kind):
    fitting = [word for word, entry in functions.items() if entry[0](kind)]
    word = rng.choice(fitting) if fitting else None
    return word, functions.get(word)


def step_map(rng, model):
    word, entry = choose(rng, map_functions(rng), model.kind)
    kind = entry[1](model.kind)
    model.each_partition(lambda p: [entry[2](v) for v in p], kind)
    if not model.has_null and rng.random() < 0.2:
        return {"op": "transform", "func": word, "rdd_op": "map"}
    return {"op": "map", "func": word}


def step_flat_map(rng, model):
    word, entry = choose(rng, flat_map_functions(rng), model.kind)
    if word is None:
        return None
    model.each_partition(lambda p: [r for v in p for r in entry[2](v)], entry[1](model.kind))
    return {"op": "flatMap", "func": word}


def step_filter(rng, model):
    word, entry = choose(rng, FILTERS, model.kind)
    if word is None:
        return None
    model.each_partition(lambda p: [v for v in p if entry[1](v)], model.kind)
    return {"op": "filter", "func": word}


def step_map_values(rng, model):
    if not is_pair(model.kind):
        return None
    word, entry = choose(rng, map_functions(rng), model.kind[2])
    kind = pair(model.kind[1], entry[1](model.kind[2]))
    model.each_partition(lambda p: [[v[0], entry[2](v[1])] for v in p], kind)
    return {"op": "mapValues", "func": word}


def step_flat_map_values(rng, model):
    if not is_pair(model.kind):
        return None
    word, entry = choose(rng, flat_map_functions(rng), model.kind[2])
    if word is None:
        return None
    kind = pair(model.kind[1], entry[1](model.kind[2]))
    model.each_partition(lambda p: [[v[0], r] for v in p for r in entry[2](v[1])], kind)
    return {"op": "flatMapValues", "func": word}


def step_map_partitions(rng, model):
    if not model.keeps_order or model.kind not in (INT, TEXT):
        return None
    if model.kind == INT:
        model.each_partition(lambda p: [sum(p)], INT)
        return {"op": "mapPartitions", "func": "sum_of_partition"}
    model.each_partition(lambda p: [ascii_upper("".join(p))], TEXT)
    return {"op": "mapPartitions", "func": "concat_upper_of_partition"}


def step_reduce_by_key(rng, model):
    if not is_pair(model.kind) or model.kind[2] != INT:
        return None

    def reduce(values):
        sums = collections.OrderedDict()
        for key, value in values:
            entry = sums.setdefault(key_of(key), [key, 0])
            entry[1] += value
        return list(sums.values())

    model.each_batch(reduce, model.kind)
    step = rng.choice(
        [
            {"op": "reduceByKey", "func": "add"},
            {
                "op": "combineByKey",
                "create": "identity",
                "merge_value": "add",
                "merge_combiners": "add",
            },
        ]
    )
    return with_partitions(rng, step)


def with_partitions(rng, step):
    if rng.random() < 0.4:
        step["num_partitions"] = rng.choice([1, 2, 3, 7])
    return step


def step_count_by_value(rng, model):
    def count(values):
        counts = collections.OrderedDict()
        for value in values:
            entry = counts.setdefault(key_of(value), [value, 0])
            entry[1] += 1
        return list(counts.values())

    model.each_batch(count, pair(model.kind, INT))
    return with_partitions(rng, {"op": "countByValue"})


def step_repartition(rng, model):
    model.each_batch(lambda values: values, model.kind)
    return {"op": "repartition", "num_partitions": rng.choice([1, 2, 3, 5])}


def step_reduce(rng, model):
    if model.kind != INT:
        return None
    model.each_batch(lambda values: [sum(values)] if values else [], INT)
    return {"op": "reduce", "func": "add"}


def step_count(rng, model):
    if model.has_null:
        return None
    model.each_batch(lambda values: [len(values)], INT)
    return {"op": "count"}


def step_glom(rng, model):
    """Only last: nothing else takes lists."""
    if not model.keeps_order:
        return None
    model.each_partition(lambda p: [p], "list")
    return {"op": "glom"}


def step_group_by_key(rng, model):
    """Only last."""
    if not is_pair(model.kind):
        return None

    def group(values):
        groups = collections.OrderedDict()
        for key, value in values:
            groups.setdefault(key_of(key), [key, []])[1].append(value)
        return list(groups.values())

    model.each_batch(group, "list")
    model.has_lists = True
    return with_partitions(rng, {"op": "groupByKey"})


STEPS = [
    step_map,
    step_map,
    step_flat_map,
    step_filter,
    step_map_values,
    step_flat_map_values,
    step_map_partitions,
    step_reduce_by_key,
    step_count_by_value,
    step_repartition,
    step_reduce,
    step_count,
]
LAST_STEPS = [step_glom, step_group_by_key] + STEPS


# ---- Sources ----


def random_value(rng, kind):
    if kind == INT:
        return rng.randint(-20, 20)
    if kind == TEXT:
        return "".join(rng.choice("aabcxyz é€") for _ in range(rng.randint(0, 5)))
    return [random_value(rng, kind[1]), random_value(rng, kind[2])]


def random_batch(rng, kind):
    size = rng.choice([0, 1, 2, 3, 5, 8, 8, 40, 3000 if rng.random() < 0.05 else 20])
    return [random_value(rng, kind) for _ in range(size)]


def cut(values, n):
    return [values[i * len(values) // n : (i + 1) * len(values) // n] for i in range(n)]


def random_source(rng, kind, n_partitions, n_batches, may_be_null):
    """The input of a case, and the model of it: after the last batch RDDs are empty."""
    batches = [random_batch(rng, kind) for _ in range(rng.randint(1, 4))]
    if may_be_null and rng.random() < 0.3:
        batches[rng.randrange(len(batches))] = None
    listed = batches[:n_batches] + [[]] * (n_batches - len(batches))
    model = Model(kind, [None if b is None else cut(b, n_partitions) for b in listed])
    model.has_null = any(b is None for b in listed)
    return batches, model


def random_case(rng, number):
    kind = rng.choice([INT, TEXT, pair(TEXT, INT), pair(INT, TEXT), pair(INT, INT)])
    n_partitions = rng.choice([1, 1, 2, 2, 3, 7])
    n_batches = rng.randint(1, 5)
    case = {"name": f"random {number}", "source": "a plain model", "partitions": n_partitions}
    case["batch_ms"] = rng.choice([1, 10, 500, 1000])
    pipeline = []

    if rng.random() < 0.2:  # a union of sources, some mapped on the way
        sources = [
            random_source(rng, kind, n_partitions, n_batches, False) for _ in range(rng.randint(2, 4))
        ]
        words = []
        model = Model(kind, [[] for _ in range(n_batches)])
        model.has_null = False
        for index, (_, source) in enumerate(sources, 1):
            word = f"s{index}"
            if kind == INT and rng.random() < 0.5:
                word += f".map(plus_{index}).filter(is_even)"
                source.each_partition(
                    lambda p, n=index: [v + n for v in p if (v + n) % 2 == 0], INT
                )
            words.append(word)
            model.batches = [a + b for a, b in zip(model.batches, source.batches)]
        case["inputs"] = [batches for batches, _ in sources]
        pipeline.append({"op": "union", "of": words})
    else:
        case["input"], model = random_source(rng, kind, n_partitions, n_batches, True)

    n_steps = rng.randint(1, 6)
    while len(pipeline) < n_steps:
        steps = LAST_STEPS if len(pipeline) == n_steps - 1 else STEPS
        step = rng.choice(steps)(rng, model)
        if step is not None:
            pipeline.append(step)

    times = [(i + 1) * case["batch_ms"] for i in range(n_batches)]
    case["op"] = pipeline[-1]
    case["pipeline"] = pipeline
    case["num_batches"] = n_batches
    case["expected"] = [flatten(b) for b in model.batches if b is not None]
    case["expected_times_ms"] = [t for t, b in zip(times, model.batches) if b is not None]
    case["ordered"] = model.keeps_order
    if model.has_lists:
        case["unordered_inner"] = "group values"
    if case["op"]["op"] == "repartition":
        case["expected_partitions"] = case["op"]["num_partitions"]
    return case


def main():
    arguments, test_options = tap.read_arguments(sys.argv[1:])
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--keep", help="write the cases there and keep them")
    options = parser.parse_args(arguments)
    seed = test_options.seed or str(random.SystemRandom().randrange(1 << 31))
    rng = random.Random(seed)
    n_cases = 5000 if test_options.is_slow else 300
    cases = [random_case(rng, number) for number in range(n_cases)]

    print("TAP version 13\n1..1")
    print(f"# {n_cases} cases; again with --seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.keep or temporary
        with open(os.path.join(directory, "random.json"), "w", encoding="utf-8") as file:
            json.dump(cases, file)
        result = subprocess.run(
            [options.program, directory], stdout=subprocess.PIPE, check=False, encoding="utf-8"
        )
    lines = result.stdout.splitlines()
    n_ok = sum(line.startswith("ok ") for line in lines)
    failed = result.returncode != 0 or n_ok != n_cases
    for line in lines:
        if line.startswith(("not ok ", "skip ")):
            print("# " + line)
            number = int(line.split(" # ")[0].rsplit(" ", 1)[1])
            print("#   " + json.dumps(cases[number])[:2000])
    if failed:
        print(f"# {n_ok} of {n_cases} are ok, exit status {result.returncode}")
    print(("not ok" if failed else "ok") + " 1 /conformance/random-vectors/match-a-plain-model")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
