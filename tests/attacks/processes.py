"""Attempts on other processes, on starting new ones, and on the network."""

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.attacks.attempts import FACTS, attempt, call

# ---- others ----------------------------------------------------------------------------------------------------------


@attempt
def read_the_supervisors_environment() -> object:
    return len(Path(f"/proc/{FACTS['supervisor']}/environ").read_bytes())


@attempt
def read_the_supervisors_memory() -> object:
    return os.open(f"/proc/{FACTS['supervisor']}/mem", os.O_RDONLY)


@attempt
def list_the_supervisors_files() -> object:
    return list(Path(f"/proc/{FACTS['supervisor']}/fd").iterdir())


@attempt
def trace_the_supervisor() -> object:
    return call("ptrace", 16, FACTS["supervisor"], 0, 0)


@attempt
def copy_the_supervisors_memory() -> object:
    piece = (ctypes.c_uint64 * 2)(ctypes.addressof(ctypes.create_string_buffer(8)), 8)
    return call("process_vm_readv", FACTS["supervisor"], piece, 1, piece, 1, 0)


@attempt
def take_a_file_of_the_supervisor() -> object:
    return os.pidfd_open(FACTS["supervisor"])


@attempt
def signal_the_supervisor() -> object:
    os.kill(FACTS["supervisor"], 0)
    return True


@attempt
def kill_the_other_worker() -> object:
    os.kill(FACTS["neighbour"], signal.SIGKILL)
    return True


@attempt
def kill_the_other_worker_as_a_thread() -> object:
    return call("syscall", 200, FACTS["neighbour"], signal.SIGKILL)


@attempt
def signal_everybody() -> object:
    os.kill(-1, 0)
    return True


@attempt
def signal_the_parent() -> object:
    os.kill(os.getppid() or 1, 0)
    return True


# ---- new ones --------------------------------------------------------------------------------------------------------


def _child_of(fork: Callable[[], int]) -> object:
    pid = fork()
    if pid == 0:
        os._exit(0)
    return os.waitpid(pid, 0)


@attempt
def fork() -> object:
    return _child_of(os.fork)


@attempt
def clone_without_threads() -> object:
    return _child_of(lambda: call("syscall", 56, signal.SIGCHLD, 0, 0, 0, 0))


@attempt
def clone_through_the_upper_half() -> object:
    return _child_of(lambda: call("syscall", 56, ctypes.c_uint64(signal.SIGCHLD | 1 << 40), 0, 0, 0, 0))


@attempt
def clone_the_new_way() -> object:
    flags = (ctypes.c_uint64 * 8)(0, 0, 0, 0, signal.SIGCHLD)
    return _child_of(lambda: call("syscall", 435, flags, 64))


@attempt
def start_a_program() -> object:
    return subprocess.run(["/bin/true"], check=True)


@attempt
def become_a_program() -> object:
    return os.execv("/bin/false", ["false"])


# ---- the network -----------------------------------------------------------------------------------------------------


@attempt
def connect_to_a_port() -> object:
    return socket.create_connection(("127.0.0.1", FACTS["port"]), timeout=2)


@attempt
def send_a_datagram() -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        return link.sendto(b"seed?", ("127.0.0.1", FACTS["port"]))


@attempt
def connect_to_an_abstract_socket() -> object:
    link = socket.socket(socket.AF_UNIX)
    link.connect("\0" + FACTS["abstract"])
    return True


@attempt
def connect_to_a_socket_file() -> object:
    link = socket.socket(socket.AF_UNIX)
    link.connect(FACTS["socket"])
    return True
