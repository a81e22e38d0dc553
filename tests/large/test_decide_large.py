"""Arms of a table are those of `predict`, in files that are written whole or not at all."""

import shutil

import numpy as np
import pytest

pa = pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

import pyarrow.parquet as pq  # noqa: E402
from helpers.large_tables import (  # noqa: E402
    FEATURES,
    cluster_policy,
    fit_in_memory,
    large_table,
    segment_policy,
    with_column,
    write_parts,
)

from sklearn_hrc import ClusterBudgetAllocator  # noqa: E402
from sklearn_hrc.large import _source, decide_large  # noqa: E402

TABLE = large_table(400)
PEOPLE = large_table(250, seed=1).append_column("id", pa.array([f"c{i}" for i in range(250)]))


@pytest.fixture(scope="module")
def policy():
    return fit_in_memory(cluster_policy(), TABLE)


@pytest.fixture(scope="module")
def arms(policy):
    return policy.predict(PEOPLE.select(FEATURES).to_pandas())


@pytest.fixture
def folder(tmp_path):
    return write_parts(tmp_path / "people", PEOPLE, 3)


def test_arms_are_those_of_predict(policy, arms, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(_source, "BATCH_ROWS", 40)
    counts = decide_large(policy, folder, tmp_path / "arms")
    written = pq.read_table(tmp_path / "arms")
    assert written.column_names == ["treatment"]
    np.testing.assert_array_equal(written["treatment"], arms)
    assert counts == {arm: int((arms == arm).sum()) for arm in sorted(set(arms.tolist()))}


def test_a_file_for_each_file_with_what_is_kept(policy, folder, tmp_path):
    decide_large(policy, folder, str(tmp_path / "arms"), keep=["id", "age"])
    files = sorted((tmp_path / "arms").iterdir())
    assert [path.name for path in files] == [f"part-0000{place}.parquet" for place in range(3)]
    for path, original in zip(files, sorted(folder.iterdir())):
        written, read = pq.read_table(path), pq.read_table(original)
        assert written.column_names == ["id", "age", "treatment"]
        assert written.select(["id", "age"]).equals(read.select(["id", "age"]))


@pytest.mark.parametrize("kind", ["table", "pandas", "reader", "list"])
def test_sources(kind, policy, arms, folder, tmp_path):
    data = {
        "table": lambda: PEOPLE,
        "pandas": PEOPLE.to_pandas,
        "reader": lambda: PEOPLE.to_reader,
        "list": lambda: sorted(folder.iterdir()),
    }[kind]()
    decide_large(policy, data, tmp_path / "arms", keep="id")
    written = pq.read_table(tmp_path / "arms").to_pydict()
    assert written == {"id": PEOPLE["id"].to_pylist(), "treatment": arms.tolist()}


def test_arms_of_text_and_categories(tmp_path):
    labels = pa.array(["none", "five", "ten"]).take(pa.array(TABLE["coupon"].to_numpy() // 5))
    table = TABLE.set_column(2, "coupon", labels.dictionary_encode())
    policy = fit_in_memory(segment_policy(control="none"), table)
    counts = decide_large(policy, PEOPLE, tmp_path / "arms")
    written = pq.read_table(tmp_path / "arms")["treatment"]
    assert pa.types.is_string(written.type)
    expected = policy.predict(PEOPLE.select(FEATURES).to_pandas())
    assert written.to_pylist() == expected.tolist()
    assert sum(counts.values()) == 250


def test_a_file_without_rows_has_none(policy, arms, tmp_path):
    folder = write_parts(tmp_path / "p", PEOPLE, 3, part_1=lambda rows: rows.slice(0, 0))
    decide_large(policy, folder, tmp_path / "arms")
    files = sorted(path.name for path in (tmp_path / "arms").iterdir())
    assert files == ["part-00000.parquet", "part-00002.parquet"]
    assert pq.read_table(tmp_path / "arms").num_rows == len(arms) - 83


def test_an_older_folder_is_replaced(policy, tmp_path):
    folder = write_parts(tmp_path / "people", PEOPLE, 3)
    decide_large(policy, folder, tmp_path / "arms")
    assert len(list((tmp_path / "arms").iterdir())) == 3
    shutil.rmtree(folder)
    decide_large(policy, PEOPLE, tmp_path / "arms")
    assert [path.name for path in (tmp_path / "arms").iterdir()] == ["part-00000.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["arms"]


def test_a_folder_of_other_files_is_refused(policy, tmp_path):
    write_parts(tmp_path / "campaign", PEOPLE, 2)
    with pytest.raises(ValueError, match="with 'part_0[01].parquet' in it, which would be lost"):
        decide_large(policy, PEOPLE, tmp_path / "campaign")
    assert len(list((tmp_path / "campaign").iterdir())) == 2


def holed(rows):
    values = rows["age"].to_numpy().copy()
    values[7] = np.nan
    return with_column(rows, "age", values)


def interrupt(rows):
    raise KeyboardInterrupt("stopped")


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("case", ["NaN", "column", "interrupt"])
def test_an_error_leaves_all_as_it_was(case, older, policy, tmp_path, monkeypatch):
    change = {"NaN": holed, "column": lambda rows: rows.drop_columns("age")}.get(case)
    folder = write_parts(tmp_path / "people", PEOPLE, 3, part_2=change or (lambda rows: rows))
    if older:
        (tmp_path / "arms").mkdir()
        (tmp_path / "arms" / "part-00000.parquet").write_text("old")
    kind, message = {
        "NaN": (ValueError, r"part_02\.parquet, rows 0 to 83: (?s:.*)NaN"),
        "column": (ValueError, r"part_02\.parquet is expected to have the column 'age'"),
        "interrupt": (KeyboardInterrupt, "stopped"),
    }[case]
    if case == "interrupt":
        predict, times = type(policy).predict, iter([False, True])
        monkeypatch.setattr(
            type(policy), "predict", lambda *a: interrupt(a) if next(times) else predict(*a)
        )
    with pytest.raises(kind, match=message):
        decide_large(policy, folder, tmp_path / "arms")
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    expected = {"people", *(f"people/part_0{place}.parquet" for place in range(3))}
    assert left == expected | ({"arms", "arms/part-00000.parquet"} if older else set())


CALLS = {
    "no rows": ({"data": PEOPLE.slice(0, 0)}, "data is expected to hold rows, got none"),
    "a feature": ({"data": PEOPLE.drop_columns("age")}, "data is expected .* got 'age'; the "),
    "kept": (
        {"keep": "idd"},
        "keep is expected to name a column .* 'idd'; the nearest name is 'id'",
    ),
    "kept twice": ({"keep": ["id", "id"]}, "keep is expected to name every column once"),
    "the arm": (
        {"keep": "treatment"},
        "keep is expected not to name 'treatment', which is written",
    ),
    "not fitted": ({"policy": segment_policy()}, "is not fitted yet"),
}


@pytest.mark.parametrize("case", CALLS)
def test_refuses(case, policy, tmp_path):
    params, message = CALLS[case]
    with pytest.raises(ValueError, match=message):
        decide_large(**({"policy": policy, "data": PEOPLE, "output": tmp_path / "arms"} | params))
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_policy_of_columns_without_names(tmp_path):
    policy = ClusterBudgetAllocator(budget=1.0, random_state=0)
    policy.fit([[0], [0], [1], [1]], [1, 2, 1, 2], treatment=[0, 1, 0, 1], cost=[0, 1, 0, 1])
    with pytest.raises(
        ValueError, match="policy is expected to know its features by name, got one"
    ):
        decide_large(policy, PEOPLE, tmp_path / "arms")


@pytest.mark.parametrize("output", ["people", "."])
def test_refuses_to_replace_the_files_that_it_reads(output, policy, folder, tmp_path):
    with pytest.raises(
        ValueError, match=r"output is expected to be another folder .*part_00\.parq"
    ):
        decide_large(policy, folder, tmp_path / output)
    assert len(list(folder.iterdir())) == 3


def test_refuses_to_replace_a_file(policy, tmp_path):
    (tmp_path / "arms").write_text("mine")
    with pytest.raises(NotADirectoryError, match="output is expected to be a folder, got the file"):
        decide_large(policy, PEOPLE, tmp_path / "arms")
    assert (tmp_path / "arms").read_text() == "mine"


def test_refuses_a_place_that_is_not_there(policy, tmp_path):
    with pytest.raises(FileNotFoundError, match="a folder is expected to be writable at"):
        decide_large(policy, PEOPLE, tmp_path / "nowhere" / "arms")


def test_a_served_policy_decides_alike(tmp_path):
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name)
    from helpers.served_policies import mixed_policy

    from sklearn_hrc.export import export_policy
    from sklearn_hrc.serving import FeatureError, load

    policy, X = mixed_policy()
    served = load(export_policy(policy, tmp_path / "policy", X))
    table = pa.Table.from_pandas(X, preserve_index=False)
    coded = table.set_column(0, "country", table["country"].dictionary_encode())
    folder = write_parts(tmp_path / "people", coded, 4)
    counts = decide_large(served, folder, tmp_path / "arms", keep="age")
    written = pq.read_table(tmp_path / "arms")
    assert written["treatment"].to_pylist() == policy.predict(X).tolist()
    assert counts == decide_large(policy, folder, tmp_path / "again")
    wrong = with_column(table, "age", ["old"] * len(X))
    with pytest.raises((FeatureError, ValueError), match="the table, rows 0 to 599: .*age"):
        decide_large(served, wrong, tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()
