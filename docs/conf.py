"""Sphinx configuration."""

import sklearn_hrc

project = "sklearn-hrc"
author = "the sklearn-hrc developers"
copyright = "2026, the sklearn-hrc developers"
version = release = sklearn_hrc.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
autosummary_generate = True
numpydoc_show_class_members = False  # the class template lists them in full
templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-hrc"
html_theme_options = {"show_prev_next": False, "secondary_sidebar_items": ["page-toc"]}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {"guide": [], "decisions": []}  # they have no sections beside them
toc_object_entries_show_parents = "hide"
