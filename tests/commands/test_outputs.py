"""Outputs that are checked before any work is done."""

import os
import sys

import pytest

from sklearn_hrc._commands.outputs import check_output_file


def test_link_leads_to_the_file_itself(tmp_path):
    (tmp_path / "link.csv").symlink_to(tmp_path / "who.csv")
    assert check_output_file(str(tmp_path / "link.csv"), (".csv",)) == tmp_path / "who.csv"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("who.xlsx", r"end in \.csv or \.parquet"),
        ("no/who.csv", "in a folder that exists"),
        ("folder.csv", "a file that can be written"),
        ("list.csv", "a new file, got .*, which is read"),
    ],
)
def test_output_that_cannot_be_is_one_sentence(name, message, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    inputs = (str(tmp_path / "list.csv"),)
    with pytest.raises((ValueError, OSError), match=message):
        check_output_file(str(tmp_path / name), (".csv", ".parquet"), inputs)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no folder that nobody can write")
def test_folder_that_cannot_be_written_is_told():
    with pytest.raises(PermissionError, match="in a folder that can be written"):
        check_output_file("/proc/who.csv", (".csv",))


def test_parquet_needs_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match="output requires pyarrow"):
        check_output_file(str(tmp_path / "who.parquet"), (".csv", ".parquet"))
