"""A folder that is damaged, foreign or tampered with is one sentence, and never a wrong arm."""

import json
import random
import shutil
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("pandas")
pytest.importorskip("skrub")

from helpers.served_policies import mixed_policy

from sklearn_hrc.export import export_policy
from sklearn_hrc.serving import PolicyFolderError, load
from sklearn_hrc.serving._files import digest
from sklearn_hrc.serving._manifest import version_of


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    policy, X = mixed_policy()
    return export_policy(policy, tmp_path_factory.mktemp("served") / "policy", X, budgets=[0.2])


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "policy")


def rewrite(folder, change, *, sign=True):
    """Change policy.json, and have its checksums agree."""
    path = folder / "policy.json"
    content = json.loads(path.read_text())
    change(content)
    if sign:
        files = {name: (folder / name).read_bytes() for name in ("model.onnx", "vectors.json")}
        content["sha256"] = {name: digest(file) for name, file in files.items()}
        content["policy_version"] = version_of(content)
    path.write_text(json.dumps(content))


def test_serving_needs_no_scikit_learn_torch_or_solver(original):
    code = (
        "import sys\n"
        "for name in ('sklearn', 'scipy', 'torch', 'skorch', 'mip', 'pandas', 'onnx'):\n"
        "    sys.modules[name] = None\n"
        "from sklearn_hrc.serving import load\n"
        f"policy = load({str(original)!r})\n"
        "row = {'country': 'AT', 'age': None, 'plan': 'free', 'spend': 12.5}\n"
        "print(policy.decide_one(row).treatment in policy.treatments)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("True", "")


@pytest.mark.parametrize("name", ["policy.json", "model.onnx", "vectors.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "a bit"])
def test_damaged_files_are_refused(name, damage, folder):
    path = folder / name
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    else:
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(PolicyFolderError, match=r"(policy\.json|model\.onnx|vectors\.json)"):
        load(folder)


@pytest.mark.parametrize(
    ("version", "accepted"),
    [
        ([1, 0], True),
        ([1, 1], True),
        ([1, 2], False),
        ([2, 0], False),
        ([0, 9], False),
        ("1.0", False),
        ([1], False),
    ],
)
def test_versions_of_the_format(version, accepted, folder):
    rewrite(folder, lambda content: content.update(format_version=version))
    if accepted:
        load(folder)
    else:
        with pytest.raises(PolicyFolderError, match=r"format up to version 1\.1 .* got version"):
            load(folder)


@pytest.mark.parametrize(
    "content", ["[]", "{}", "null", "NaN", '{"format": "other"}', "[" * 100_000, "\x00", "{'a': 1}"]
)
def test_foreign_manifests_are_refused(content, folder):
    (folder / "policy.json").write_text(content)
    with pytest.raises(PolicyFolderError):
        load(folder)


def test_another_policy_with_the_same_arms_does_not_pass_its_vectors(folder):
    def swap(content):
        for plan in content["plans"]:
            plan["first"] = plan["first"][::-1]
            plan["cuts"] = []

    rewrite(folder, swap)
    with pytest.raises(PolicyFolderError, match="decide as in its 1000 stored decisions"):
        load(folder)


def test_graph_of_another_policy_is_refused(folder):
    from onnx import TensorProto, helper

    rows = helper.make_tensor_value_info("rows", TensorProto.DOUBLE, [None, 9])
    places = helper.make_tensor_value_info("place", TensorProto.DOUBLE, [None, 9])
    node = helper.make_node("Identity", ["rows"], ["place"])
    graph = helper.make_graph([node], "g", [rows], [places])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    rewrite(folder, lambda content: None)
    with pytest.raises(PolicyFolderError, match="take the features of policy"):
        load(folder)


def test_graph_that_fails_on_rows_is_refused(folder):
    import onnx

    model = onnx.load(folder / "model.onnx")
    gather = next(node for node in model.graph.node if node.op_type == "Gather")
    place = next(part for part in model.graph.initializer if part.name == gather.input[1])
    beyond = onnx.numpy_helper.to_array(place) + 99
    place.CopyFrom(onnx.numpy_helper.from_array(beyond, place.name))
    onnx.save(model, folder / "model.onnx")
    rewrite(folder, lambda content: None)
    with pytest.raises(PolicyFolderError, match=r"vectors\.json is expected to hold rows"):
        load(folder)


@pytest.mark.parametrize("path", ["x" * 5_000, "a\0b", "nowhere"])
def test_path_that_cannot_be_a_folder(path):
    with pytest.raises(PolicyFolderError, match="folder is expected to be a folder"):
        load(path)


def changed_somewhere(value, draws):
    """Return JSON with one part replaced by something else."""
    replacements = [None, -1, 10**400, "x", [], {}, 0.5, True, 1e308, "\ud800"]
    if isinstance(value, dict | list) and value and draws.random() < 0.9:
        place = draws.choice(sorted(value) if isinstance(value, dict) else range(len(value)))
        changed = dict(value) if isinstance(value, dict) else list(value)
        if draws.random() < 0.1:
            del changed[place]
        else:
            changed[place] = changed_somewhere(value[place], draws)
        return changed
    return draws.choice(replacements)


@pytest.mark.parametrize("seed", range(4))
def test_tampered_manifests_are_refused_or_decide_as_before(seed, folder, original):
    """Checksums agree, as an attacker would have it. Nothing but a folder error may come out."""
    draws = random.Random(seed)
    content = json.loads((original / "policy.json").read_text())
    rng = np.random.default_rng(0)
    rows = {
        "country": rng.choice(["AT", "DE", "??"], 50),
        "age": rng.random(50),
        "plan": rng.choice(["free", "plus"], 50),
        "spend": rng.random(50),
    }
    treatments = load(original).treatments
    for _ in range(40):
        changed = changed_somewhere(content, draws)
        if not isinstance(changed, dict):
            continue
        try:
            signed = {**changed, "policy_version": version_of(changed)}
            (folder / "policy.json").write_text(json.dumps(signed))
        except (ValueError, UnicodeEncodeError):
            continue
        try:
            policy = load(folder)
        except PolicyFolderError:
            continue
        if policy.treatments == treatments:
            assert set(policy.decide(rows).treatment) <= set(treatments)
