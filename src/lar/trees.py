"""Arrays in nested dicts and tuples: visit them in one fixed order."""

from collections.abc import Callable, Iterator
from typing import Any

from lar.contracts import Tree


def tree_map(function: Callable[[Any], Any], tree: Tree) -> Tree:
    """Return the tree with every leaf replaced by ``function(leaf)``; lists become tuples."""
    if isinstance(tree, dict):
        return {key: tree_map(function, value) for key, value in tree.items()}
    if isinstance(tree, (tuple, list)):
        return tuple(tree_map(function, value) for value in tree)
    return function(tree)


def leaves(tree: Tree) -> Iterator[Any]:
    """Yield the leaves, depth first, dict entries in insertion order."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, (tuple, list)):
        for value in tree:
            yield from leaves(value)
    else:
        yield tree
