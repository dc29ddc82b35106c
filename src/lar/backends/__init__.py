"""The backends: ordinary modules of this package, kept in the checkout's top-level `backends` folder."""

from lar._checkout import portion

__path__ += portion("backends")
