"""Trees of arms as text."""

__all__ = ["tree_text"]


def tree_text(tree, names, arms):
    """Write a tree as lines, a level of splits further in than the one before.

    Parameters
    ----------
    tree : Tree
        Tree of arms.
    names : sequence of str
        Names of the features.
    arms : sequence
        Labels of the arms.

    Returns
    -------
    text : str
        Each split has two lines, and each leaf one.
    """
    lines: list[str] = []
    _write(tree, 0, "", names, arms, lines)
    return "\n".join(lines)


def _write(tree, node, indent, names, arms, lines):
    if tree.feature[node] < 0:
        lines.append(f"{indent}{arms[tree.arm[node]]}")
        return
    name, threshold = names[tree.feature[node]], f"{tree.threshold[node]:.6g}"
    lines.append(f"{indent}{name} <= {threshold}:")
    _write(tree, tree.left[node], indent + "    ", names, arms, lines)
    lines.append(f"{indent}{name} > {threshold}:")
    _write(tree, tree.right[node], indent + "    ", names, arms, lines)
