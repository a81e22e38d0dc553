"""The folder of a policy: what is written, and what is refused."""

import json
import os
import shutil
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from helpers.command_cases import campaign

from sklearn_hrc._commands import policy_folder
from sklearn_hrc._commands.manifest import MANIFEST, digest
from sklearn_hrc._commands.policy_folder import check_output_folder, read_folder, write_folder


@pytest.fixture
def copy(fitted, tmp_path):
    """Copy of the folder, to be spoilt."""
    return shutil.copytree(fitted.folder, tmp_path / "policy")


def edit(folder, **changes):
    path = folder / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8")) | changes
    path.write_text(json.dumps(manifest), encoding="utf-8")


def put(folder, value, name="policy.skops"):
    """Put a value in the place of the policy, with a checksum that agrees."""
    import skops.io

    skops.io.dump(value, folder / name)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    edit(folder, files=manifest["files"] | {name: digest(folder / name)})


def test_no_row_of_the_table_is_kept(fitted):
    saved = read_folder(str(fitted.folder))
    assert len(saved.evaluation.arms) <= 3
    assert saved.evaluation.curve_arms.size == 0
    assert saved.evaluation.outcomes is None
    assert saved.evaluation.sentences()[0].startswith("At a budget of ")


def test_folder_is_written_once_more_whole(fitted, copy):
    saved = read_folder(str(copy))
    path = check_output_folder(str(copy))
    write_folder(path, saved.policy, None, saved.manifest)
    again = read_folder(str(copy))
    assert again.evaluation is None
    assert sorted(os.listdir(copy)) == [MANIFEST, "policy.skops"]
    assert os.listdir(copy.parent) == ["policy"]
    people = campaign(50, 2)
    np.testing.assert_array_equal(again.policy.predict(people), saved.policy.predict(people))


def test_failed_write_leaves_the_older_folder(copy, monkeypatch):
    before = {name: digest(copy / name) for name in os.listdir(copy)}

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(policy_folder, "digest", full)
    with pytest.raises(OSError, match="No space"):
        write_folder(copy, "a newer policy", None, {})
    assert {name: digest(copy / name) for name in os.listdir(copy)} == before
    assert os.listdir(copy.parent) == ["policy"]


def test_older_folder_comes_back_where_the_new_one_cannot_take_its_place(copy, monkeypatch):
    rename = os.rename

    def stuck(source, target):
        if str(source).endswith(".part"):
            raise OSError(5, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(os, "rename", stuck)
    with pytest.raises(OSError, match="Input/output"):
        write_folder(copy, "a newer policy", None, {})
    assert (copy / "evaluation.skops").is_file()
    assert os.listdir(copy.parent) == ["policy"]


def test_folder_with_something_else_is_not_replaced(copy, tmp_path):
    (copy / "report.html").write_text("mine")
    with pytest.raises(FileExistsError, match=r"nothing else, got .* with 'report\.html'"):
        check_output_folder(str(copy))
    other = tmp_path / "other"
    other.mkdir()
    assert check_output_folder(str(other)) == other
    (other / MANIFEST).write_text('{"format": "another"}')
    with pytest.raises(FileExistsError, match="holds something else"):
        check_output_folder(str(other))
    with pytest.raises(FileExistsError, match="expected to be a folder, got the file"):
        check_output_folder(str(other / MANIFEST))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: edit(folder, format="x"), "that of something else"),
        (lambda folder: edit(folder, format_version=2), "format 1, got format 2"),
        (lambda folder: edit(folder, package_version="7.1"), "sklearn-hrc 0, got '7.1'"),
        (lambda folder: edit(folder, arms=3), "as fit wrote it, got no 'arms'"),
        (lambda folder: (folder / MANIFEST).write_text("{"), "no JSON"),
        (lambda folder: (folder / MANIFEST).unlink(), "which has no manifest.json"),
        (lambda folder: (folder / "policy.skops").unlink(), "policy.skops is missing"),
        (lambda folder: os.truncate(folder / "policy.skops", 9), "damaged or from elsewhere"),
        (
            lambda folder: shutil.copy(folder / "evaluation.skops", folder / "policy.skops"),
            "policy.skops is damaged or from elsewhere",
        ),
        (lambda folder: edit(folder, files={}), "policy.skops is not listed"),
        (lambda folder: edit(folder, files={"../a": ""}), "../a is none that fit writes"),
        (lambda folder: shutil.rmtree(folder), "which is none"),
        (lambda folder: put(folder, Fraction(1, 2)), "asks for what no policy holds .*Fraction"),
        (lambda folder: put(folder, os.system), "asks for what no policy holds .*system"),
        (lambda folder: put(folder, Fraction(1, 2), "evaluation.skops"), "evaluation.*Fraction"),
        (lambda folder: put(folder, [1]), "policy.skops holds no policy"),
    ],
)
def test_spoilt_folder_is_one_sentence(copy, spoil, message):
    spoil(copy)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read_folder(str(copy))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_decisions_in_another_process_are_those_before(fitted, tmp_path):
    people = fitted.home / "list.csv"
    code = (
        "import sys, numpy as np\n"
        "from sklearn_hrc._commands.policy_folder import read_folder\n"
        "from sklearn_hrc.tables import read_table\n"
        "from sklearn_hrc.planning import plan_list\n"
        "policy = read_folder(sys.argv[1]).policy\n"
        "plan = plan_list(policy, read_table(sys.argv[2]), total_budget=60)\n"
        "np.savez(sys.argv[3], arms=policy.predict(read_table(sys.argv[2])).astype(str),\n"
        "    planned=plan.arms.astype(str), response=plan.response, cost_se=plan.cost_se)"
    )
    found = []
    for folder in (fitted.folder, tmp_path / "again"):
        if folder != fitted.folder:  # what was loaded is written and loaded once more
            saved = read_folder(str(fitted.folder))
            write_folder(folder, saved.policy, saved.evaluation, saved.manifest)
        target = tmp_path / "found.npz"
        subprocess.run([sys.executable, "-c", code, folder, people, target], check=True)
        found.append(dict(np.load(target)))
    for name, values in found[0].items():
        np.testing.assert_array_equal(found[1][name], values)
