"""Trees as text."""

import numpy as np

from sklearn_hrc.rivals._tree_path import one_leaf
from sklearn_hrc.rivals._tree_search import Tree
from sklearn_hrc.rivals._tree_text import tree_text


def test_splits_are_indented():
    tree = Tree(
        feature=np.array([1, -1, 0, -1, -1]),
        threshold=np.array([0.5, np.nan, 1234567.0, np.nan, np.nan]),
        left=np.array([1, -1, 3, -1, -1]),
        right=np.array([2, -1, 4, -1, -1]),
        arm=np.array([-1, 0, -1, 2, 1]),
    )
    assert tree_text(tree, ["income", "age"], ["none", "mail", "call"]).split("\n") == [
        "age <= 0.5:",
        "    none",
        "age > 0.5:",
        "    income <= 1.23457e+06:",
        "        call",
        "    income > 1.23457e+06:",
        "        mail",
    ]


def test_a_leaf_is_its_arm():
    assert tree_text(one_leaf(1), ["x"], [10, 20]) == "20"
