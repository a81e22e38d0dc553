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


def test_noughts_in_front_stay(tmp_path):
    text = 'id;home;level;share;day\n0000089;"012";0;0,5;01.05.2024\n1939;;10;00,5;02.05.2024\n'
    (tmp_path / "a.csv").write_text(text)
    frame = read_table(tmp_path / "a.csv")
    assert frame["id"].tolist() == ["0000089", "1939"]
    assert frame["home"].tolist()[0] == "012"
    assert frame["home"].isna().tolist() == [False, True]
    assert frame["level"].tolist() == [0, 10]
    assert frame["share"].tolist() == [0.5, 0.5]


def test_an_empty_column_holds_no_codes(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,\n2,NA\n")
    assert read_table(tmp_path / "a.csv")["b"].dtype == float


def test_noughts_are_looked_for_in_the_first_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_CODE_ROWS", 2)
    (tmp_path / "a.csv").write_text("a,b\n1,1\n01,1\n2,01\n")
    frame = read_table(tmp_path / "a.csv")
    assert frame["a"].tolist() == ["1", "01", "2"]
    assert frame["b"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "content", [bytes(range(256)), "a,b\n1,2\n".encode("utf-16"), b"a,b\n\x81,2\n"]
)
def test_bytes_that_are_no_text_are_a_sentence(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match="UTF-8 or Windows-1252, got 'a.csv'.*save") as error:
        read_table(tmp_path / "a.csv")
    assert not isinstance(error.value, UnicodeError)
    assert "\n" not in str(error.value)


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
