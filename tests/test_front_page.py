"""The script of the first page's pictures writes both of them."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.slow
def test_both_pictures_are_written(tmp_path, monkeypatch, capsys):
    plt = pytest.importorskip("matplotlib.pyplot")
    pytest.importorskip("pandas")
    monkeypatch.syspath_prepend(str(DOCS))
    monkeypatch.delitem(sys.modules, "pictures", raising=False)
    import pictures

    pictures.main(tmp_path, n_rows=2000, max_epochs=1)
    plt.close("all")
    assert "At equal spend" in capsys.readouterr().out
    written = {path.name for path in tmp_path.glob("*.png") if path.stat().st_size > 10_000}
    assert written == {"who_gets_what.png", "policy_and_best_arm.png"}
    for name in written:
        assert f"_static/{name}" in (DOCS / "index.md").read_text()
