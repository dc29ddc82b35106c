"""What a worker raises round itself before it imports anything that is not lar's own, and what it could not.

The plainest walls come first and Landlock with them, while there is one thread: it holds for a thread and what that
starts. seccomp comes last, for all threads at once, when the backend's library is open and before the kernel is
imported: libraries ask a program or try out their cores when they are opened, and never again. Only the standard
library is used here.
"""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lar.walls import basics, guardian, landlock, seccomp


@dataclass(frozen=True)
class Plan:
    """What a worker is told to raise.

    Attributes
    ----------
    limits : mapping of str to int
        Resource limits by their names in `resource`, in bytes, seconds and numbers.
    user : int or None
        The user to become, of a worker that starts as root.
    read, look, write, devices : sequence of str
        Paths: to read with all beneath, to list with all beneath, to write with all beneath, and nodes of devices.
    lifeline : int or None
        The descriptor that the guardian watches (see `guardian.stand`); None for none, within a process namespace.
    """

    limits: Mapping[str, int]
    user: int | None
    read: Sequence[str]
    look: Sequence[str]
    write: Sequence[str]
    devices: Sequence[str]
    lifeline: int | None


def raise_first(plan: Plan) -> dict[str, str]:
    """Raise all walls but seccomp, in a process of one thread; return how each went, by name."""
    if plan.lifeline is not None:
        guardian.stand(plan.lifeline)
    raised = {"rlimits": basics.attempt(lambda: basics.limits(plan.limits))}
    if plan.user is not None:
        raised["user"] = basics.become(plan.user)
    raised["capabilities"] = basics.drop_capabilities()
    # After the change of user, which clears it.
    raised["pdeathsig"] = basics.prctl(basics.PR_SET_PDEATHSIG, signal.SIGKILL)
    raised["not dumpable"] = basics.prctl(basics.PR_SET_DUMPABLE, 0)
    raised["no_new_privs"] = basics.prctl(basics.PR_SET_NO_NEW_PRIVS, 1)
    rules = [
        *((path, landlock.READ) for path in plan.read),
        *((path, landlock.LOOK) for path in plan.look),
        *((path, landlock.WRITE) for path in plan.write),
        *((path, landlock.DEVICE) for path in plan.devices),
    ]
    raised["landlock"] = basics.attempt(lambda: landlock.restrict(rules))
    return raised


def raise_last() -> dict[str, str]:
    """Raise seccomp, for every thread."""
    return {"seccomp": basics.attempt(seccomp.restrict)}
