"""The shared words: what a target, a case, a kernel, a backend and an outcome are.

Everything here is a frozen value or a small interface, and nothing here computes. The words are used in this sense
throughout: *a target says what is right and how much work it is; a kernel does it; a backend runs it on a device; the
oracle says whether it was right; the clock says how long it took.*
"""

from lar.contracts.inputs import (
    MAX_ABS_ERR,
    NO_ID,
    Array,
    Bounded,
    Case,
    Cost,
    Data,
    Exact,
    Growth,
    HostArray,
    Outputs,
    Query,
    Ranked,
    Spec,
    Statics,
    Tree,
    Truth,
)
from lar.contracts.interfaces import Backend, Kernel, Target, Timer
from lar.contracts.outcomes import HARNESS_VERSION, Exit, Failure, Outcome, Status, Verdict, WorkloadResult
from lar.contracts.trials import (
    Arm,
    Decision,
    Evidence,
    Interval,
    Judgement,
    KernelFacts,
    Times,
    Trial,
    WorkloadRatio,
)

__all__ = [
    "HARNESS_VERSION",
    "MAX_ABS_ERR",
    "NO_ID",
    "Arm",
    "Array",
    "Backend",
    "Bounded",
    "Case",
    "Cost",
    "Data",
    "Decision",
    "Evidence",
    "Exact",
    "Exit",
    "Failure",
    "Growth",
    "HostArray",
    "Interval",
    "Judgement",
    "Kernel",
    "KernelFacts",
    "Outcome",
    "Outputs",
    "Query",
    "Ranked",
    "Spec",
    "Statics",
    "Status",
    "Target",
    "Timer",
    "Times",
    "Tree",
    "Trial",
    "Truth",
    "Verdict",
    "WorkloadRatio",
    "WorkloadResult",
]
