"""Attempts on the scheduler, on limits and switches, on memory that no limit counts, and on the operating system."""

import ctypes
import mmap
import os
import resource
from pathlib import Path

from tests.attacks.attempts import FACTS, attempt, call

# ---- the scheduler, limits and switches ------------------------------------------------------------------------------


@attempt
def leave_the_cores() -> object:
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    return True


@attempt
def move_the_supervisor() -> object:
    os.sched_setaffinity(FACTS["supervisor"], [0])
    return True


@attempt
def raise_the_priority() -> object:
    return os.nice(-5)


@attempt
def lower_the_supervisors_priority() -> object:
    os.setpriority(os.PRIO_PROCESS, FACTS["supervisor"], 19)
    return True


@attempt
def change_the_scheduler() -> object:
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return True


@attempt
def raise_the_memory_limit() -> object:
    resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True


@attempt
def limit_the_supervisor() -> object:
    return resource.prlimit(FACTS["supervisor"], resource.RLIMIT_NOFILE, (8, 8))


@attempt
def outlive_the_supervisor() -> object:
    return call("prctl", 1, 0, 0, 0, 0)


@attempt
def outlive_the_supervisor_through_the_upper_half() -> object:
    return call("syscall", 157, ctypes.c_uint64(1 << 32 | 1), 0, 0, 0, 0)


@attempt
def become_dumpable() -> object:
    return call("prctl", 4, 1, 0, 0, 0)


@attempt
def open_a_session() -> object:
    os.setsid()
    return True


@attempt
def become_root() -> object:
    os.setuid(0)
    return True


# ---- memory without a limit ------------------------------------------------------------------------------------------


@attempt
def map_shared_memory() -> object:
    return mmap.mmap(-1, 1 << 20)


@attempt
def map_the_zero_device() -> object:
    return mmap.mmap(os.open("/dev/zero", os.O_RDWR), 1 << 20)


@attempt
def make_a_memory_file() -> object:
    return os.memfd_create("mine")


@attempt
def make_a_segment() -> object:
    return call("shmget", 0, 1 << 20, 0o1600)


@attempt
def write_into_shared_memory() -> object:
    return Path("/dev/shm/mine").write_text("here")


# ---- the operating system --------------------------------------------------------------------------------------------


@attempt
def set_up_io_uring() -> object:
    return call("syscall", 425, 4, ctypes.create_string_buffer(256))


@attempt
def count_events() -> object:
    return call("syscall", 298, ctypes.create_string_buffer(128), 0, -1, -1, 0)


@attempt
def load_a_program_into_the_kernel() -> object:
    return call("syscall", 321, 0, ctypes.create_string_buffer(128), 128)


@attempt
def handle_page_faults() -> object:
    return call("syscall", 323, 1)


@attempt
def leave_the_namespace() -> object:
    return call("unshare", 0x10000000)


@attempt
def change_the_root() -> object:
    os.chroot("/usr")
    return True


@attempt
def mount_something() -> object:
    return call("mount", b"none", b"/usr", b"tmpfs", 0, None)


@attempt
def add_a_key() -> object:
    return call("syscall", 248, b"user", b"mine", b"x", 1, -3)
