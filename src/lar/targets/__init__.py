"""The targets: ordinary sub-packages of this one, kept in the checkout's top-level `targets` folder."""

from lar._checkout import portion

__path__ += portion("targets")
