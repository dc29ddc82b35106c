"""Trees of arrays, visited in one order."""

from lar.trees import leaves, tree_map

TREE = {"a": (1, 2), "b": {"c": [3], "d": 4}}


def test_leaves_come_depth_first_in_the_order_of_insertion() -> None:
    assert list(leaves(TREE)) == [1, 2, 3, 4]
    assert list(leaves(7)) == [7]
    assert list(leaves({})) == []


def test_a_map_keeps_the_form_and_turns_lists_into_tuples() -> None:
    assert tree_map(lambda x: 10 * x, TREE) == {"a": (10, 20), "b": {"c": (30,), "d": 40}}
    assert tree_map(str, 5) == "5"
