"""The order of the gallery: what to read first stands first."""

FIRST = [
    "plot_ten_minute_start.py",
    "plot_hillstrom.py",
    "plot_thornton.py",
    "plot_karlan_list.py",
    "plot_number_of_clusters.py",
    "plot_inside_a_policy.py",
    "plot_ab_test.py",
    "plot_large_table.py",
]


def example_order(filename):
    """Return the place of an example; those that are not named follow by name."""
    place = FIRST.index(filename) if filename in FIRST else len(FIRST)
    return place, filename
