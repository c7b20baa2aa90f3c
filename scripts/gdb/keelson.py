# SPDX-License-Identifier: MIT
"""gdb commands for Keelson's kernel, loaded by `scripts/vm debug`.

k-ps        all processes: pid, parent, state, CPU, command
k-cpus      what each CPU runs
k-bt-all    the backtrace of every CPU
k-log       the kernel log (as dmesg shows it)
k-console   what the machine wrote to its serial console
"""
import os

import gdb


def value(expression):
    """A C expression of the kernel."""
    return gdb.parse_and_eval(expression)


def entries(head, kind, member):
    """Objects of a struct list_head ring."""
    pointer = gdb.lookup_type(kind).pointer()
    offset = [f for f in gdb.lookup_type(kind).fields() if f.name == member][0].bitpos // 8
    node, first = head["next"], head.address
    while node and node != first:
        yield gdb.Value(int(node) - offset).cast(pointer).dereference()
        node = node["next"]


def processes(process):
    """A process and its descendants, parents first."""
    yield process
    for child in entries(process["children"], "struct process", "sibling"):
        yield from processes(child)


class Ps(gdb.Command):
    """All processes and their threads."""

    def __init__(self):
        super().__init__("k-ps", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        print("  PID   TID  PPID  STATE CPU  COMMAND")
        for process in processes(value("idle_process")):
            parent = process["parent"]
            for task in entries(process["threads"], "struct task", "thread_node"):
                print("%5d %5d %5d %#6x %3d  %s" % (
                    process["tgid"], task["tid"], parent["tgid"] if parent else 0,
                    int(task["state"]), int(task["cpu"]), task["comm"].string()))


def cpu_variable(name, cpu):
    """A per-CPU variable: its linked place plus the CPU's offset."""
    original = value("&" + name)
    offset = int(value("percpu_offset[%d]" % cpu))
    return gdb.Value((int(original) + offset) & (1 << 64) - 1).cast(original.type).dereference()


class Cpus(gdb.Command):
    """The task each CPU runs."""

    def __init__(self):
        super().__init__("k-cpus", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
            cpu = thread.num - 1
            try:
                task = cpu_variable("current_task", cpu)
                print("CPU %d: task %d %s" % (cpu, int(task["tid"]), task["comm"].string()))
            except gdb.MemoryError:
                print("CPU %d: not up yet" % cpu)


class BtAll(gdb.Command):
    """Backtraces of all CPUs."""

    def __init__(self):
        super().__init__("k-bt-all", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        gdb.execute("thread apply all -s backtrace")


class Log(gdb.Command):
    """The kernel log, from its ring in memory."""

    def __init__(self):
        super().__init__("k-log", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        ring = value("&'src/debug/log.c'::ring")
        size = ring.dereference().type.sizeof
        at = int(value("'src/debug/log.c'::ring_first"))
        left = int(value("'src/debug/log.c'::seq_next")) - int(value("'src/debug/log.c'::seq_first"))
        record_type = gdb.lookup_type("struct log_record").pointer()
        header = record_type.target().sizeof
        base = int(ring)
        memory = gdb.selected_inferior()
        for _ in range(left):
            if at == size or int(self.record(base, at, record_type)["size"]) == 0:
                at = 0
            record = self.record(base, at, record_type)
            text = memory.read_memory(base + at + self.text_offset(record_type, header),
                                      int(record["len"])).tobytes()
            stamp = int(record["ts"])
            print("<%d>[%5d.%06d] %s" % (int(record["level"]), stamp // 10**9,
                                         stamp % 10**9 // 1000, text.decode("utf-8", "replace")))
            at += int(record["size"])

    @staticmethod
    def record(base, at, kind):
        return gdb.Value(base + at).cast(kind).dereference()

    @staticmethod
    def text_offset(kind, header):
        for field in kind.target().fields():
            if field.name == "text":
                return field.bitpos // 8
        return header


class Console(gdb.Command):
    """What the machine wrote to its serial console."""

    def __init__(self):
        super().__init__("k-console", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        with open(os.environ["KEELSON_CONSOLE"], encoding="utf-8", errors="replace") as f:
            print(f.read())


for command in (Ps, Cpus, BtAll, Log, Console):
    command()
