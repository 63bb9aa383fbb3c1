"""How Sphinx builds the pages: `sphinx-build -W docs build/docs`, with the extra `docs`."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

import metarl_fast

matplotlib.use("agg")
DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from reference_pages import write_reference_pages  # noqa: E402

project = "metarl_fast"
author = "the metarl_fast developers"
version = release = metarl_fast.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]
html_theme = "furo"
html_show_copyright = False
html_title = f"metarl_fast {release}"
default_role = "code"
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"
autosummary_generate = True
templates_path = ["templates"]
exclude_patterns = ["templates"]
numpydoc_show_class_members = False  # autodoc does

sphinx_gallery_conf = {
    "examples_dirs": str(DOCS.parent / "examples"),
    "gallery_dirs": "generated/examples",
    # Those that need more than the extras of the documentation, or half a minute, are shown and not run.
    "filename_pattern": r"(tutorial|own_family|frozen_lake|sutton_barto|driving|transfer_\w+)\.py",
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

write_reference_pages(DOCS / "generated" / "reference")
