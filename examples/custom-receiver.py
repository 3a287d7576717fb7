#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A source of a program's own, in Python: a journal that is read entry by entry and wants
to know up to which entry it may forget.  It fails once, and the library starts it again.

    $ custom-receiver.py 2>/dev/null
    -------------------------------------------
    Time: 1000 ms
    -------------------------------------------
    to be
    or not
    to be
    that is
    the question

    acknowledged: 5 entries

On standard error it says: a page was torn; trying again in 10 ms.  The same in C is
custom-receiver.c.  Python finds the library in `meson devenv -C _build`.
"""

import sys
import threading

import gi

gi.require_version("DStream", "1")
from gi.repository import DStream, GLib  # noqa: E402

ENTRIES = ["to be", "or not", "to be", "that is", "the question"]
SECOND = 1_000_000


class JournalReceiver(DStream.Receiver):
    def __init__(self):
        super().__init__()
        self.has_failed = False
        self.n_stored = 0
        self.all_stored = threading.Event()
        self.all_acknowledged = threading.Event()

    def do_run(self, cancellable):
        """In a thread of its own; after a failure once more, where the last run left off."""
        for entry in ENTRIES[self.n_stored:]:
            if self.n_stored == 2 and not self.has_failed:
                self.has_failed = True
                raise GLib.Error("a page was torn")  # it is started again after a pause
            # Returns when the entry is stored; raises when the receiver is to stop.
            self.store_text(GLib.Bytes.new(entry.encode()), self.n_stored + 1)
            self.n_stored += 1
        self.all_stored.set()
        return True  # at its end for good

    def do_acknowledged(self, token):
        """Everything up to entry number `token` is processed: the journal may forget it."""
        if token == len(ENTRIES):
            self.all_acknowledged.set()


def main():
    clock = DStream.ManualClock.new(0)
    journal = JournalReceiver()
    ssc = DStream.StreamingContext.new("local[2]", "CustomReceiver", SECOND)
    ssc.set_clock(clock)
    ssc.props.receiver_restart_delay = 10_000  # us

    ssc.receiver_stream(journal).print_(10)

    ssc.start()
    journal.all_stored.wait()
    clock.advance(SECOND)
    journal.all_acknowledged.wait()
    print(f"acknowledged: {len(ENTRIES)} entries", flush=True)
    ssc.stop(DStream.StopFlags.NOW)


if __name__ == "__main__":
    try:
        main()
    except GLib.Error as error:
        sys.exit(f"custom-receiver.py: {error.message}")
