"""What a notebook shows of a fitted estimator: a summary inside scikit-learn's diagram."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, NamedTuple

from sklearn.exceptions import NotFittedError
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_hrc._compat import VisualBlock
from sklearn_hrc._notebook import NotebookMixin

__all__ = ["Summary", "SummaryMixin", "Table", "number", "tables_html"]

# Notebooks colour tables of their own, on white; these are on the diagram's
# background and take its colour of text. The selectors must outdo a notebook's.
STYLE = """<style>
.sk-global div.hrc-summary {padding: .2em .6em .4em; font-family: monospace}
.sk-global div.hrc-summary table {color: inherit; border: none; border-collapse: collapse;
  margin: .4em 0}
.sk-global div.hrc-summary table tr:nth-child(n) {background: none}
.sk-global div.hrc-summary table :is(td, th) {color: inherit; border: none; padding: .1em .7em;
  text-align: right; font-weight: normal}
.sk-global div.hrc-summary table thead th {border-bottom: thin solid}
.sk-global div.hrc-summary table :is(td, th):first-child {text-align: left; padding-left: 0}
.sk-global div.hrc-summary table.facts :is(td, th) {text-align: left; vertical-align: top}
.sk-global div.hrc-summary table.facts td {max-width: 44em; white-space: normal}
</style>"""


class Table(NamedTuple):
    """Cells as text, the first of each row its name; no heads for plain facts."""

    rows: Sequence[tuple[str, ...]]
    heads: tuple[str, ...] = ()


class Summary(NamedTuple):
    """One line under the name of an estimator, and the tables inside its box."""

    caption: str
    tables: list[Table]


class SummaryMixin(NotebookMixin):
    """Show a summary of a fitted estimator, which has a method `_summary`, in a notebook."""

    def _is_fitted(self) -> bool:
        try:
            check_is_fitted(self)
        except NotFittedError:
            return False
        return True

    @available_if(_is_fitted)
    def _sk_visual_block_(self) -> VisualBlock:
        """Box of this estimator in the diagrams of scikit-learn, also of a pipeline."""
        return VisualBlock(
            "single",
            self,
            names=type(self).__name__,
            name_details=str(self),
            name_caption=self._summary().caption,
        )

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        """Content of the box: the summary above the table of fitted attributes."""
        attributes = super()._get_fitted_attr_html(doc_link)
        # A diagram of a fitted search asks its parameter, too, which is not fitted.
        if not self._is_fitted():
            return attributes
        return _SummaryAndAttributes(tables_html(self._summary().tables), attributes)


class _SummaryAndAttributes:
    """What a diagram wants of fitted attributes, with a summary above."""

    def __init__(self, summary, attributes):
        self.summary = summary
        self.attributes = attributes

    def __len__(self):
        return 1 + len(self.attributes)

    def _repr_html_inner(self):
        return self.summary + self.attributes._repr_html_inner()


def number(value: float) -> str:
    """Write a number with four digits, or all of its whole digits."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def tables_html(tables: Iterable[Table]) -> str:
    """Return tables as HTML, whatever characters their cells hold."""
    written = []
    for rows, heads in tables:
        head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in heads)
        body = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            + "</tr>"
            for name, *cells in rows
        )
        thead = f"<thead><tr>{head}</tr></thead>" if heads else ""
        kind = "" if heads else ' class="facts"'
        written.append(f"<table{kind}>{thead}<tbody>{body}</tbody></table>")
    return f'{STYLE}<div class="hrc-summary">{"".join(written)}</div>'
