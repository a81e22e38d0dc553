"""A folder is written whole, whatever an earlier or another writer left beside it."""

from sklearn_hrc._folders import folder_written_whole


def test_a_writer_that_has_not_ended_stands_in_nobodys_way(tmp_path):
    folder = tmp_path / "policy"
    # The first writer stands for one that was killed, in a container that starts again, too.
    with folder_written_whole(folder) as first:
        (first / "model").write_text("first")
        with folder_written_whole(folder) as second:
            (second / "model").write_text("second")
        assert (folder / "model").read_text() == "second"
    assert (folder / "model").read_text() == "first"
    assert [entry.name for entry in tmp_path.iterdir()] == ["policy"]
