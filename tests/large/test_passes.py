"""A pass gives each row once, also from where another pass was interrupted."""

import pytest

pa = pytest.importorskip("pyarrow")

from sklearn_hrc.large import _passes  # noqa: E402
from sklearn_hrc.large._checkpoint import open_checkpoint  # noqa: E402
from sklearn_hrc.large._passes import read_batches, run_pass  # noqa: E402
from sklearn_hrc.large._source import Part, Source  # noqa: E402

SCHEMA = pa.schema([("x", pa.int64())])


class Listing:
    """Add rows up to a list of their values."""

    def __init__(self, stop_at=None):
        self.stop_at = stop_at

    def start(self):
        return []

    def add(self, values, batch):
        if self.stop_at in batch.column("x").to_pylist():
            raise KeyboardInterrupt
        return values + batch.column("x").to_pylist()

    def finish(self, values):
        return values


def source_of(*parts):
    """Parts of batches of whole numbers, 0, 1, ..."""
    count = iter(range(1000))
    made = [[[next(count) for _ in range(size)] for size in sizes] for sizes in parts]

    def opening(batches):
        return lambda names: (pa.record_batch({"x": values}, SCHEMA) for values in batches)

    opened = [Part(f"part {i}", SCHEMA, opening(batches)) for i, batches in enumerate(made)]
    return Source(SCHEMA, opened, next(count))


PARTS = ([3, 0, 4], [0], [5], [1, 1])


def test_places_are_the_ends_of_batches():
    places = [tuple(place) for place, _ in read_batches(source_of(*PARTS), ["x"])]
    assert places == [(0, 3, 3), (0, 7, 7), (2, 5, 12), (3, 1, 13), (3, 2, 14)]


@pytest.mark.parametrize("others", [PARTS, ([5, 2], [], [2, 2, 1], [2])])
def test_every_place_is_one_to_go_on_from(others):
    # The second run may have its rows in other batches.
    for place, batch in read_batches(source_of(*PARTS), ["x"]):
        rest = [rows for _, rows in read_batches(source_of(*others), ["x"], place)]
        values = [value for rows in rest for value in rows.column("x").to_pylist()]
        assert values == list(range(batch.column("x")[-1].as_py() + 1, 14))


@pytest.mark.parametrize("stop_at", [0, 2, 3, 9, 13])
def test_an_interrupted_pass_goes_on(tmp_path, stop_at):
    source, kept = source_of(*PARTS), open_checkpoint(tmp_path / "kept", "call")
    with pytest.raises(KeyboardInterrupt):
        run_pass(source, Listing(stop_at), ["x"], "list", kept)
    done = kept.load("list")[0].n_rows
    assert done <= stop_at
    assert run_pass(source, Listing(), ["x"], "list", kept) == list(range(14))
    assert run_pass(source, Listing(), ["x"], "list", kept) == list(range(14))


def test_a_pass_is_saved_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(_passes, "SAVED_EVERY", -1.0)
    kept, seen = open_checkpoint(tmp_path, "call"), []

    class Looking(Listing):
        def add(self, values, batch):
            found = kept.load("list")
            seen.append(0 if found is None else found[0].n_rows)
            return super().add(values, batch)

    run_pass(source_of(*PARTS), Looking(), ["x"], "list", kept)
    assert seen == [0, 3, 7, 12, 13]


def test_errors_name_the_part_and_the_rows():
    class Refusing(Listing):
        def add(self, values, batch):
            if 8 in batch.column("x").to_pylist():
                raise UnicodeDecodeError("utf-8", b"x", 0, 1, "no text")
            return values

    with pytest.raises(ValueError, match="part 2, rows 0 to 4: .*no text"):
        run_pass(source_of(*PARTS), Refusing(), ["x"], "list", open_checkpoint(None))


def test_columns_of_all_parts_are_looked_at_before_rows_are_read():
    source = source_of(*PARTS)
    source.parts[3] = source.parts[3]._replace(schema=pa.schema([("z", pa.int64())]))
    batches = read_batches(source, ["x"])
    with pytest.raises(ValueError, match="part 3 is expected to have the column 'x'"):
        next(batches)


def test_progress_is_shown_if_asked_for(capsys):
    list(read_batches(source_of(*PARTS), ["x"], title="sample", verbose=1))
    shown = capsys.readouterr().err
    assert "sample: 100%" in shown
    assert "14/14" in shown
    list(read_batches(source_of(*PARTS), ["x"]))
    assert capsys.readouterr().err == ""
