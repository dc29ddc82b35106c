"""What a user did wrong, told in one line. Everything a kernel does wrong is an `Outcome` instead."""


class LarError(Exception):
    """A mistake that the user can mend: printed without a traceback.

    Attributes
    ----------
    exit_code : int
        What the process ends with; see `lar.contracts.Exit`.
    """

    exit_code = 64


class UnknownNameError(LarError):
    """A target, backend, scale or device that does not exist; the message names the nearest ones."""


class UnavailableError(LarError):
    """A backend or device that exists and cannot run here; the message says what is missing and what mends it."""

    exit_code = 4


class BadInputError(LarError):
    """Data that breaks a target's contract; the message says what is wrong and where."""


class BusyError(LarError):
    """Another process holds what this one needs."""

    exit_code = 8


class StoreError(LarError):
    """The journal or a lock's file cannot be used: no room, no rights, damage, or not made by lar."""
