"""The download of the e-mail experiment, from a site on this machine."""

import functools
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
from numpy.testing import assert_array_equal

pytest.importorskip("pandas")

from sklearn_hrc.datasets import _hillstrom, fetch_hillstrom, load_hillstrom

REAL_FILE = Path(os.environ.get("SKLEARN_HRC_DATA", ""), "hillstrom.csv")
HEADER = ",".join(_hillstrom._TABLE.columns)
ROWS = [
    "1,1) $0 - $100,50.5,1,0,Urban,0,Web,Mens E-Mail,1,1,20.25",
    "2,2) $100 - $200,150,0,1,Rural,1,Phone,Womens E-Mail,1,0,0",
    "3,1) $0 - $100,60,1,1,Urban,0,Web,No E-Mail,0,0,0",
]
TABLE = "\r\n".join([HEADER, *ROWS, ""]).encode()
SUMS = {"recency": 6, "history": 260.5, "visit": 2, "spend": 20.25}
COUNTS = {"segment": {"Mens E-Mail": 1, "Womens E-Mail": 1, "No E-Mail": 1}}


class Site(ThreadingHTTPServer):
    """Gives each request the next of its answers, and later ones the last.

    An answer is a status, a body and the length that the header claims; None hangs up.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = [(200, TABLE, len(TABLE))]
        self.n_requests = 0
        self.url = f"http://127.0.0.1:{self.server_port}/published.csv"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        answers = self.server.answers
        answer = answers[min(self.server.n_requests, len(answers) - 1)]
        self.server.n_requests += 1
        if answer is None:
            return
        status, body, length = answer
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Keep the terminal clean."""


@pytest.fixture
def site(monkeypatch):
    """A site that has a table of three rows, which is taken for the published one."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Site() as server:
        monkeypatch.setattr(_hillstrom, "_URL", server.url)
        table = _hillstrom._TABLE._replace(n_rows=len(ROWS), sums=SUMS, counts=COUNTS)
        monkeypatch.setattr(_hillstrom, "_TABLE", table)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cached(tmp_path):
    return tmp_path / "sklearn_hrc" / "hillstrom.csv"


def fetch(data_home, **options):
    return fetch_hillstrom(data_home=data_home, **{"n_retries": 0, "delay": 0, **options})


def files_under(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_downloads_once(site, tmp_path, cached):
    e = fetch(tmp_path, mail_price=0.5)
    assert_array_equal(e.data["history"], [50.5, 150, 60])
    assert e.feature_names[-2:] == ["channel_Phone", "channel_Web"]
    assert_array_equal(e.data["channel_Web"], [1, 0, 1])
    assert_array_equal(e.target, [[20.25, 1, 1], [0, 1, 0], [0, 0, 0]])
    assert_array_equal(e.treatment, ["Mens E-Mail", "Womens E-Mail", "No E-Mail"])
    assert_array_equal(e.cost, [0.5, 0.5, 0])
    assert_array_equal(e.propensity, np.full(3, 1 / 3))
    assert files_under(tmp_path) == [cached]
    assert cached.read_bytes() == TABLE
    again = fetch(tmp_path, mail_price=0.5)
    assert again.data.equals(e.data)
    fetch(tmp_path, download_if_missing=False)
    assert site.n_requests == 1


@pytest.mark.parametrize("as_frame", [True, False])
def test_is_what_the_reader_returns(site, tmp_path, cached, as_frame):
    options = {"target": "spend", "mail_price": 2.0, "as_frame": as_frame}
    fetched = fetch(tmp_path, **options)
    read = load_hillstrom(cached, **options)
    assert fetched.keys() == read.keys()
    for name, value in read.items():
        assert type(fetched[name]) is type(value)
        assert_array_equal(fetched[name], value)


def test_default_is_the_data_home_of_scikit_learn(site, tmp_path, cached, monkeypatch):
    monkeypatch.delenv("SKLEARN_HRC_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    fetch(None)
    assert cached.is_file()


def test_folder_in_the_environment_goes_before_the_data_home(site, tmp_path, monkeypatch):
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("SKLEARN_HRC_DATA", str(tmp_path))
    Path(tmp_path, "hillstrom.csv").write_bytes(TABLE)
    assert fetch(None).data.shape[0] == 3
    assert site.n_requests == 0
    # A folder without the file does not stop the download, and a data home that is given counts.
    assert fetch(tmp_path / "other").data.shape[0] == 3
    Path(tmp_path, "hillstrom.csv").unlink()
    assert fetch(None).data.shape[0] == 3
    assert site.n_requests == 2


def test_file_put_by_hand(site, tmp_path, cached):
    cached.parent.mkdir()
    cached.write_bytes(TABLE.replace(b"\r\n", b"\n"))  # another copy, with other line ends
    assert fetch(tmp_path).data.shape[0] == 3
    assert site.n_requests == 0


WRONG = {
    "a page": (b"<html>\n<p>Please, log in,\n<p>a, b, c, d</html>", "expected to be a CSV file"),
    "one line of a page": (b"<html>Gone</html>\n", "expected to have the columns"),
    "nothing": (b"", "expected to be a CSV file"),
    "an archive": (b"PK\x03\x04\xff\xfe\x00", "expected to be a CSV file"),
    "other columns": (TABLE.replace(b"spend", b"sales"), "expected to have the columns"),
    "cut after a row": (TABLE[: TABLE.index(b"3,1)")], "expected to have 3 rows, got 2"),
    "cut in a last row of zeros": (TABLE[: TABLE.rindex(b",0,0")], "0 empty entries, got 2"),
    "other labels": (TABLE.replace(b"No E-Mail", b"Nothing"), "Column segment .* the levels"),
    "another amount": (
        TABLE.replace(b"20.25", b"20.75"),
        "sum of column spend .* 20.25, got 20.75",
    ),
}


@pytest.mark.parametrize("length", ["declared", "not declared"])
@pytest.mark.parametrize(("body", "reason"), WRONG.values(), ids=WRONG.keys())
def test_other_content_never_becomes_the_cache(site, tmp_path, cached, body, reason, length):
    site.answers = [(200, body, len(body) if length == "declared" else None)]
    with pytest.raises(OSError, match=f"{reason}.*by hand at {cached}") as raised:
        fetch(tmp_path, n_retries=2)
    assert site.url in str(raised.value)
    assert str(raised.value).count("\n") == 0
    assert site.n_requests == 1  # the same would come again
    assert files_under(tmp_path) == []
    site.answers = [(200, TABLE, len(TABLE))]
    fetch(tmp_path)  # nothing is left of the failure
    assert files_under(tmp_path) == [cached]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, b"", 0), "404"),
        ((503, b"", 0), "503"),
        ((200, TABLE[:100], len(TABLE)), "got only 100 out of"),
        (None, "closed connection without response"),
    ],
    ids=["not found", "unavailable", "truncated", "no answer"],
)
def test_failed_download(site, tmp_path, cached, answer, reason):
    site.answers = [answer]
    with pytest.raises(OSError, match=f"{site.url} .*{reason}.*by hand at {cached}"):
        fetch(tmp_path)
    assert site.n_requests == 1
    assert files_under(tmp_path) == []


def test_connection_refused(site, tmp_path, cached, monkeypatch):
    with Site() as closed:
        monkeypatch.setattr(_hillstrom, "_URL", closed.url)
    with pytest.raises(OSError, match=f"{closed.url} .*refused.*by hand at {cached}") as raised:
        fetch(tmp_path)
    assert isinstance(raised.value.__cause__, URLError)
    assert files_under(tmp_path) == []


@pytest.mark.parametrize("first", [(503, b"", 0), (200, TABLE[:100], len(TABLE))])
def test_tries_again(site, tmp_path, cached, first):
    site.answers = [first, first, (200, TABLE, len(TABLE))]
    with pytest.warns(UserWarning, match="Retry downloading") as warned:
        fetch(tmp_path, n_retries=2)
    assert len(warned) == 2
    assert site.n_requests == 3
    assert cached.read_bytes() == TABLE


def test_retries_end(site, tmp_path):
    site.answers = [(503, b"", 0)]
    with pytest.warns(UserWarning, match="Retry"), pytest.raises(OSError, match="503"):
        fetch(tmp_path, n_retries=2)
    assert site.n_requests == 3


@pytest.mark.parametrize("body", [TABLE[: TABLE.index(b"3,1)")], b"", b"\xff\xfe"])
def test_damaged_cache(site, tmp_path, cached, body):
    cached.parent.mkdir()
    cached.write_bytes(body)
    with pytest.raises(ValueError, match=f"{cached} is expected to .*: remove this file to have"):
        fetch(tmp_path)
    assert site.n_requests == 0
    assert cached.read_bytes() == body


def test_not_downloaded_unless_wanted(site, tmp_path, cached):
    message = f"expected at {cached} because download_if_missing is False, got no such file"
    with pytest.raises(OSError, match=message):
        fetch(tmp_path, download_if_missing=False)
    assert site.n_requests == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "revenue"}, "target must be chosen from"),
        ({"mail_price": -1.0}, "mail_price"),
        ({"n_retries": -1}, "n_retries"),
        ({"delay": -0.1}, "delay"),
        ({"as_frame": "yes"}, "as_frame"),
    ],
)
def test_parameters_are_checked_before_a_download(site, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        fetch(tmp_path, **options)
    assert site.n_requests == 0


def test_without_pandas_nothing_is_downloaded(site, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'fetch_hillstrom requires .*"sklearn-hrc\[data\]"'):
        fetch(tmp_path)
    assert site.n_requests == 0


def test_main_job_without_a_connection_is_one_sentence(site, tmp_path, monkeypatch, capsys):
    main = pytest.importorskip("sklearn_hrc._main_job", exc_type=ImportError)
    monkeypatch.delenv("SKLEARN_HRC_DATA", raising=False)
    monkeypatch.setattr(
        main, "fetch_hillstrom", functools.partial(fetch, tmp_path)
    )  # without waiting for retries
    site.answers = [(404, b"", 0)]
    with pytest.raises(SystemExit):
        main.main(["--data", "hillstrom"])
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("python -m sklearn_hrc: error: hillstrom.csv could not be downloaded")


@pytest.mark.skipif(
    not REAL_FILE.is_file(), reason="REAL DATA NOT TESTED: SKLEARN_HRC_DATA has no hillstrom.csv"
)
def test_published_file(site, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(_hillstrom, "_URL", site.url)
    body = REAL_FILE.read_bytes()
    site.answers = [(200, body, len(body))]
    fetched, read = fetch(tmp_path), load_hillstrom(REAL_FILE)
    assert fetched.data.equals(read.data)
    assert fetched.target.equals(read.target)
    assert fetched.data.shape == (64_000, 11)
