"""Sphinx configuration.

The pages fetch nothing. A build fetches two tables, once, where they are not at hand: those of
`examples/plot_hillstrom.py` and `examples/plot_karlan_list.py`.
"""

import os
import sys
from functools import partial
from pathlib import Path

import sklearn_hrc
from sklearn_hrc.datasets import fetch_hillstrom, fetch_karlan_list, load_thornton_hiv

os.environ["SKLEARN_HRC_DOCS"] = ".."  # the diagrams in examples link to their neighbours
sys.path.append(str(Path(__file__).parent / "_ext"))

project = "sklearn-hrc"
author = "the sklearn-hrc developers"
copyright = "2026, the sklearn-hrc developers"
version = release = sklearn_hrc.__version__

extensions = [
    "mathml",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"  # the docstrings have them, with shapes
numpydoc_show_class_members = False  # the class template lists them in full
templates_path = ["_templates"]


def examples_without_data():
    """Examples whose data are not on this machine: their pages then end with that error."""
    loaders = {
        "plot_hillstrom.py": partial(fetch_hillstrom, n_retries=0),
        "plot_thornton.py": load_thornton_hiv,
        "plot_karlan_list.py": partial(fetch_karlan_list, n_retries=0),
    }
    for name, load in loaders.items():
        try:
            load()
        except OSError:
            yield f"../examples/{name}"


sphinx_gallery_conf = {
    "expected_failing_examples": list(examples_without_data()),
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "within_subsection_order": "example_order.example_order",
    "capture_repr": ("_repr_html_", "__repr__"),
    "ignore_repr_types": r".*(Display|Axes|Text)",
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}

highlight_language = "none"  # blocks without a language are commands and output
default_role = "literal"  # docstrings name parameters in single backquotes
smartquotes = False  # strings are quoted as Python has them
html_theme = "pydata_sphinx_theme"
html_title = "sklearn-hrc"
html_math_renderer = "mathml"
html_theme_options = {
    "header_links_before_dropdown": 6,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {"index": []}  # it has no sections beside it
toc_object_entries_show_parents = "hide"
