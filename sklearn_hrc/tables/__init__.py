"""From a table as it is to rows of an experiment, and to a policy for such tables."""

from sklearn_hrc.tables._rows import Rows
from sklearn_hrc.tables._rows_of import make_policy, read_table, rows_of
from sklearn_hrc.tables._table_cleaner import TableCleaner

__all__ = ["Rows", "TableCleaner", "make_policy", "read_table", "rows_of"]
