"""seccomp: which system calls a process can make. A list of those that are refused, loaded last, through libseccomp.

It refuses, with EPERM, whatever reaches beyond the process: other processes, new ones, sockets, the scheduler, owners
and modes of files, namespaces, the kernel's larger interfaces. Everything that computing needs stays: memory, files,
threads. What a library does once when it is opened (asking a program, probing its cores) must be done before.
"""

import ctypes
import errno
import os
from collections.abc import Sequence
from typing import Any

_REFUSED = (
    # sockets; the one to the supervisor is open already
    *("socket", "connect", "bind", "listen", "accept", "accept4"),
    # other processes, and new ones
    *("fork", "vfork", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise"),
    *("process_mrelease", "pidfd_open", "pidfd_getfd", "pidfd_send_signal", "tkill", "kcmp", "setsid", "setpgid"),
    # the scheduler
    *("setpriority", "ioprio_set", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"),
    # memory that no limit of the process counts
    *("shmget", "shmat", "msgget", "semget", "mq_open", "memfd_create", "memfd_secret", "move_pages", "migrate_pages"),
    # what Landlock leaves open on files, also on those that cannot be opened
    *("truncate", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat", "file_setattr", "name_to_handle_at"),
    *("open_by_handle_at", "fanotify_init", "sync", "syncfs", "quotactl", "quotactl_fd", "acct"),
    # namespaces and mounts
    *("unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree", "open_tree_attr"),
    *("move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"),
    # users
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "setgroups"),
    *("capset", "personality", "add_key", "keyctl", "request_key"),
    # the kernel's larger interfaces and the machine as a whole
    *("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "syslog"),
    *("settimeofday", "clock_settime", "clock_settime64", "adjtimex", "clock_adjtime", "stime", "kexec_load"),
    *("kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "swapon", "swapoff", "iopl"),
    *("ioperm", "sethostname", "setdomainname", "vhangup", "lookup_dcookie", "uselib"),
)
_OWN_ONLY = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")
_PRCTL_REFUSED = (1, 4, 35, 62)  # PDEATHSIG, DUMPABLE, MM, SCHED_CORE: as they are is how they stay

# seccomp.h
_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000
_NOT_EQUAL, _MASKED_EQUAL = 1, 7
_BAD_ARCHITECTURE, _ALL_THREADS, _NO_SPECULATION_CONTROL, _OPTIMIZE = 2, 4, 7, 8
_UNKNOWN_CALL = -1
_MAP_SHARED_ANONYMOUS = 0x21
_CLONE_THREAD = 0x10000
_INT = 0xFFFFFFFF  # the kernel reads an int: whoever compares all 64 bits is passed by in the upper half


class _Comparison(ctypes.Structure):
    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("first", ctypes.c_uint64), ("second", ctypes.c_uint64))


def library() -> Any:
    """Return libseccomp.

    Raises
    ------
    OSError
        If it is not installed.
    """
    try:
        found: Any = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    except OSError:
        raise OSError(errno.ENOENT, "libseccomp.so.2 is not installed") from None
    found.seccomp_init.restype = ctypes.c_void_p
    found.seccomp_init.argtypes = [ctypes.c_uint32]
    found.seccomp_release.argtypes = [ctypes.c_void_p]
    found.seccomp_load.argtypes = [ctypes.c_void_p]
    found.seccomp_attr_set.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    found.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    found.seccomp_rule_add_array.argtypes = [
        *(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint),
        ctypes.POINTER(_Comparison),
    ]
    return found


def restrict() -> str:
    """Refuse these calls to every thread of this process, for good.

    Raises
    ------
    OSError
        If libseccomp is missing or the filter cannot be loaded; the process is as free as before.
    """
    rules = _Rules(library())
    try:
        for name in _REFUSED:
            rules.refuse(name)
        own = os.getpid()
        for name in _OWN_ONLY:
            rules.refuse(name, [(0, _NOT_EQUAL, own, 0)])
        rules.refuse("prlimit64", [(0, _NOT_EQUAL, 0, 0)])
        for option in _PRCTL_REFUSED:
            rules.refuse("prctl", [(0, _MASKED_EQUAL, _INT, option)])
        rules.refuse("mmap", [(3, _MASKED_EQUAL, _MAP_SHARED_ANONYMOUS, _MAP_SHARED_ANONYMOUS)])  # no limit counts it
        rules.refuse("clone", [(0, _MASKED_EQUAL, _CLONE_THREAD, 0)])
        rules.refuse("clone3", code=errno.ENOSYS)  # its flags lie in memory; the C library then uses clone
        rules.load()
    finally:
        rules.release()
    return f"on ({rules.count} rules)"


class _Rules:
    def __init__(self, found: Any) -> None:
        self._library = found
        self._filter = found.seccomp_init(_ALLOW)
        self.count = 0
        if not self._filter:
            raise OSError(errno.ENOMEM, "seccomp_init failed")
        self._set(_BAD_ARCHITECTURE, _KILL_PROCESS)  # calls by another processor's numbers would pass by the list
        self._set(_ALL_THREADS, 1)
        for option, value in ((_NO_SPECULATION_CONTROL, 1), (_OPTIMIZE, 2)):  # speed only, unknown to old releases
            found.seccomp_attr_set(self._filter, option, value)

    def _set(self, option: int, value: int) -> None:
        self._check(self._library.seccomp_attr_set(self._filter, option, value), f"seccomp_attr_set {option}")

    def refuse(self, name: str, where: Sequence[tuple[int, int, int, int]] = (), *, code: int = errno.EPERM) -> None:
        """Add one rule; a call that this processor or this library does not know needs none."""
        number = self._library.seccomp_syscall_resolve_name(name.encode())
        if number == _UNKNOWN_CALL:
            return
        comparisons = (_Comparison * len(where))(*(_Comparison(*one) for one in where))
        action = 0x00050000 | code
        done = self._library.seccomp_rule_add_array(self._filter, action, number, len(where), comparisons)
        if number >= 0:  # a negative number is a call of other processors
            self._check(done, f"seccomp_rule_add {name}")
            self.count += 1

    def load(self) -> None:
        self._check(self._library.seccomp_load(self._filter), "seccomp_load")

    def release(self) -> None:
        self._library.seccomp_release(self._filter)

    @staticmethod
    def _check(result: int, what: str) -> None:
        if result < 0:
            raise OSError(-result, f"{what}: {os.strerror(-result)}")
