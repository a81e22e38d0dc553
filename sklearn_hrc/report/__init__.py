"""A page for those who decide: one HTML file that says what to do and why."""

from sklearn_hrc.report._write_report import write_report

__all__ = ["write_report"]
