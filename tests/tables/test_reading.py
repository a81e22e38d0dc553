"""Files are read whatever their delimiter, decimal mark and encoding, or refused in a sentence."""

import sys

import pytest

import sklearn_hrc.tables._reading as reading
from sklearn_hrc.tables import read_table
from sklearn_hrc.tables._reading import read_file

pd = pytest.importorskip("pandas")

FRAME = pd.DataFrame({"name": ["Ann", "Bob, Jr.", "Çem"], "spend": [12.5, 8.0, 0.25]})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_delimiters_and_encodings(tmp_path, delimiter, encoding):
    FRAME.to_csv(tmp_path / "a.csv", sep=delimiter, index=False, encoding=encoding)
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.csv"), FRAME)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_comma(tmp_path, delimiter):
    FRAME.to_csv(tmp_path / "a.csv", sep=delimiter, decimal=",", index=False)
    frame, notes = read_file(tmp_path / "a.csv", "frame")
    pd.testing.assert_frame_equal(frame, FRAME)
    assert "decimal comma" in notes[1]


def test_a_quoted_field_may_hold_delimiters_and_lines(tmp_path):
    (tmp_path / "a.csv").write_text('a,b\n"x;y;z\nnext",1\n"u;v",2\n')
    assert read_table(tmp_path / "a.csv")["b"].tolist() == [1, 2]


def test_compressed_text(tmp_path):
    FRAME.to_csv(tmp_path / "a.csv.gz", index=False)
    pd.testing.assert_frame_equal(read_table(str(tmp_path / "a.csv.gz")), FRAME)


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    FRAME.to_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(read_table(tmp_path / "a.parquet"), FRAME)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"requires pyarrow to read the Parquet file 'a.parquet'"):
        read_table(tmp_path / "a.parquet")


def test_an_arm_may_be_called_none(tmp_path):
    (tmp_path / "a.csv").write_text("arm,x\nNone,1\nmail,\nNA,3\n")
    frame = read_table(tmp_path / "a.csv")
    assert frame["arm"].isna().tolist() == [False, False, True]
    assert frame["x"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.csv", "", "empty file"),
        ("a.csv", "\n\n", "cannot be read"),
        ("a.csv", "a,b\n", "hold rows, got none"),
        ("a.csv", "a,b,a\n1,2,3\n", "'a' 2 times"),
        ("a.csv", "a,b\n1,2\n1,2,3,4\n", "cannot be read as one"),
        ("a.xlsx", "x", "ends in .csv"),
        ("a.parquet", "no parquet", "a.parquet"),
    ],
)
def test_bad_files_are_a_sentence(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises((ValueError, ImportError), match="path") as error:
        read_table(tmp_path / name)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="a file that exists"):
        read_table(tmp_path / "a.csv")


def test_a_large_file_is_refused_with_advice(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=r"at most 1e-08 GB.*usecols"):
        read_table(tmp_path / "a.csv")
