# SPDX-License-Identifier: LGPL-2.1-or-later
"""The log of the shim, and a model of a disk that replays it.

The model knows of each file what its last fsync covered and what was written since, of each
directory the changes since its last fsync (a rename is one change of two directories), and
builds from that what a power cut may leave.  It is as hostile as POSIX allows: fsync of a file
does not persist its name, a failed fsync persists nothing, and neither does the one after it.
"""

import errno
import random
import struct

HEADER = struct.Struct("=BBHIQIIII")
CREATED, TRUNCATED = 1, 2
PENDING, DURABLE, DOOMED = range(3)

# What becomes of data that no fsync covered, and of names.
DATA_MODELS = ("none", "all", "prefix", "zeros", "torn")
NAME_MODELS = ("none", "all", "prefix", "subset", "last")


class Unseen(Exception):
    """The program changed files in ways that the shim does not see."""


class Record:
    __slots__ = ("type", "is_counted", "error", "handle", "offset", "path", "to", "data", "call")

    def __repr__(self):
        return f"{self.type}{self.call} {self.path} {self.to} {self.offset}+{len(self.data)} #{self.handle} {self.error}"


def read_log(path):
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return []
    records = []
    at = 0
    while at + HEADER.size <= len(text):
        record = Record()
        (kind, counted, record.error, record.handle, record.offset, n_path, n_to, n_data,
         record.call) = HEADER.unpack_from(text, at)
        record.type = chr(kind)
        record.is_counted = bool(counted)
        at += HEADER.size
        record.path = text[at:at + n_path].decode("utf-8", "surrogateescape")
        at += n_path
        record.to = text[at:at + n_to].decode("utf-8", "surrogateescape")
        at += n_to
        record.data = text[at:at + n_data]
        at += n_data
        records.append(record)
    return records


def apply_write(content, offset, data):
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset:offset + len(data)] = data


def apply_cut(content, size):
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


class File:
    """What is durable, and in order what happened since: [offset, data or None for a cut, state]."""

    def __init__(self, content=b""):
        self.base = bytearray(content)
        self.live = bytearray(content)
        self.changes = []

    def write(self, offset, data):
        apply_write(self.live, offset, data)
        self.changes.append([offset, data, PENDING])

    def cut(self, size):
        apply_cut(self.live, size)
        self.changes.append([size, None, PENDING])

    def sync(self):
        for change in self.changes:
            if change[2] == PENDING:
                change[2] = DURABLE
        n = 0
        while n < len(self.changes) and self.changes[n][2] == DURABLE:
            self.apply(self.base, self.changes[n])
            n += 1
        del self.changes[:n]

    def fail_to_sync(self):
        for change in self.changes:
            if change[2] == PENDING:
                change[2] = DOOMED

    @staticmethod
    def apply(content, change):
        if change[1] is None:
            apply_cut(content, change[0])
        else:
            apply_write(content, change[0], change[1])

    def after_power_cut(self, model, chance):
        if model == "all" or not self.changes:
            return bytes(self.live)
        content = bytearray(self.base)
        n_open = sum(1 for change in self.changes if change[2] != DURABLE)
        cut = chance.randrange(n_open) if model == "prefix" and n_open else 0
        for change in self.changes:
            fate = "all"
            if change[2] != DURABLE:
                fate = self.choose(model, cut, chance)
                cut -= 1
            if fate == "all":
                self.apply(content, change)
            elif fate == "half" and change[1] is not None:
                apply_write(content, change[0], change[1][:(len(change[1]) + 1) // 2])
            elif fate == "torn" and change[1] is not None:
                n_kept = len(change[1]) // 2
                apply_write(content, change[0], change[1][:n_kept] + bytes(len(change[1]) - n_kept))
            elif fate in ("zeros", "torn"):
                self.apply(content, change if change[1] is None else (change[0], bytes(len(change[1]))))
        return bytes(content)

    @staticmethod
    def choose(model, cut, chance):
        if model == "prefix":
            return "all" if cut > 0 else "half" if cut == 0 else "none"
        if model == "random":
            return chance.choice(("none", "all", "all", "half", "zeros", "torn"))
        return model


class Directory:
    def __init__(self):
        self.live = {}
        self.durable = {}
        self.set_at = {}  # name -> number of the change that made it durable
        self.pending = []


class Change:
    __slots__ = ("number", "parts", "is_durable")

    def __init__(self, number, parts):
        self.number = number
        self.parts = parts
        self.is_durable = False


class Disk:
    """@image: path -> bytes, or None for a directory; all of it durable."""

    def __init__(self, image):
        self.root = Directory()
        self.n_changes = 0
        self.handles = {}
        for path in sorted(image):
            parent, name = self.split(path)
            node = Directory() if image[path] is None else File(image[path])
            parent.live[name] = node
            parent.durable[name] = node

    def split(self, path):
        node = self.root
        *parents, name = path.split("/")
        for part in parents:
            node = node.live.get(part)
            if not isinstance(node, Directory):
                raise Unseen(f"{path}: {part} is no directory that was made where it is seen")
        return node, name

    def find(self, path):
        if path == "":
            return self.root
        parent, name = self.split(path)
        node = parent.live.get(name)
        if node is None:
            raise Unseen(f"{path} was not made where it is seen")
        return node

    def change(self, *parts):
        self.n_changes += 1
        change = Change(self.n_changes, parts)
        for directory, name, node in parts:
            self.set_name(directory.live, name, node)
            if change not in directory.pending:
                directory.pending.append(change)

    @staticmethod
    def set_name(names, name, node):
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node

    def sync(self, node):
        if isinstance(node, File):
            node.sync()
            return
        for change in node.pending:
            if change.is_durable:
                continue
            change.is_durable = True
            for directory, name, target in change.parts:
                if directory.set_at.get(name, 0) < change.number:
                    directory.set_at[name] = change.number
                    self.set_name(directory.durable, name, target)
        node.pending = []

    # ---- Replaying ----

    def start_process(self):
        self.handles = {}

    def feed(self, record):
        if record.error != 0:
            if record.type == "S" and record.error != errno.EINTR:
                node = self.handles.get(record.handle)
                if isinstance(node, File):
                    node.fail_to_sync()
            return
        getattr(self, "feed_" + record.type)(record)

    def feed_O(self, record):
        if record.offset & CREATED:
            node = File()
            if record.path != "":
                parent, name = self.split(record.path)
                self.change((parent, name, node))
        else:
            node = self.find(record.path)
        if record.offset & TRUNCATED:
            node.cut(0)
        self.handles[record.handle] = node

    def feed_W(self, record):
        self.handles[record.handle].write(record.offset, record.data)

    def feed_S(self, record):
        self.sync(self.handles[record.handle])

    def feed_T(self, record):
        self.handles[record.handle].cut(record.offset)

    def feed_R(self, record):
        from_parent, from_name = self.split(record.path)
        to_parent, to_name = self.split(record.to)
        node = self.find(record.path)
        if record.offset == 1:
            self.change((from_parent, from_name, self.find(record.to)), (to_parent, to_name, node))
        else:
            self.change((from_parent, from_name, None), (to_parent, to_name, node))

    def feed_U(self, record):
        parent, name = self.split(record.path)
        self.change((parent, name, None))

    feed_X = feed_U

    def feed_M(self, record):
        parent, name = self.split(record.path)
        self.change((parent, name, Directory()))

    def feed_L(self, record):
        node = self.handles[record.handle] if record.handle != 0 else self.find(record.path)
        parent, name = self.split(record.to)
        self.change((parent, name, node))

    def feed_C(self, record):
        self.handles.pop(record.handle, None)

    def feed_A(self, record):
        pass

    feed_E = feed_A

    # ---- What is there ----

    def live_image(self):
        """As the next process sees it when only this one is killed."""
        image = {}
        self.walk(self.root, "", image, lambda directory: directory.live, lambda file: bytes(file.live))
        return image

    def walk(self, directory, prefix, image, names_of, content_of):
        for name, node in names_of(directory).items():
            path = prefix + name
            if isinstance(node, Directory):
                image[path] = None
                self.walk(node, path + "/", image, names_of, content_of)
            else:
                image[path] = content_of(node)

    def pending_changes(self):
        found = {}
        todo = [self.root]
        met = set()
        while todo:
            directory = todo.pop()
            if id(directory) in met:
                continue
            met.add(id(directory))
            for change in directory.pending:
                if not change.is_durable:
                    found[change.number] = change
                    todo += [node for _, _, node in change.parts if isinstance(node, Directory)]
            for names in (directory.live, directory.durable):
                todo += [node for node in names.values() if isinstance(node, Directory)]
        return [found[number] for number in sorted(found)]

    def after_power_cut(self, model):
        """@model: "DATA/NAMES", or "seed-N": each file and each name as chance will have it."""
        if model.startswith("seed-"):
            chance = random.Random(model)
            data, names = "random", chance.choice(("subset", "subset", "prefix", "none", "all"))
            mixed = chance.random() < 0.5
        else:
            chance = random.Random(model)
            data, names = model.split("/")
            mixed = False
        pending = self.pending_changes()
        cut = chance.randrange(len(pending) + 1) if names == "prefix" else 0
        kept = {}
        for i, change in enumerate(pending):
            if not (names == "all" or (names == "prefix" and i < cut) or (names == "last" and i == len(pending) - 1) or
                    (names == "subset" and chance.random() < 0.5)):
                continue
            for directory, name, node in change.parts:
                if directory.set_at.get(name, 0) > change.number:
                    continue
                if id(directory) not in kept:
                    kept[id(directory)] = dict(directory.durable)
                self.set_name(kept[id(directory)], name, node)

        def content_of(file):
            return file.after_power_cut(chance.choice(DATA_MODELS) if mixed else data, chance)

        image = {}
        self.walk(self.root, "", image, lambda directory: kept.get(id(directory), directory.durable), content_of)
        return image
