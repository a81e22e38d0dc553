"""The page: figures are those of the objects, text is escaped, and files are whole."""

import dataclasses
import os
import re
import sys
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.report_cases import NASTY, campaign, segments, table
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_hrc import ClusterBudgetAllocator
from sklearn_hrc.planning import plan_list
from sklearn_hrc.report import write_report
from sklearn_hrc.report._cautions import bounded, cautions
from sklearn_hrc.report._decision import decide, totals_of_list
from sklearn_hrc.report._facts import facts
from sklearn_hrc.report._numbers import amount, interval, per_cent
from sklearn_hrc.report._who import memberships
from sklearn_hrc.report._wording import wording_of
from sklearn_hrc.rules import MaxShare, MinReturn
from sklearn_hrc.tables import rows_of

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Elements, attributes and text of a page, whose elements must be closed in order."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.attributes, self.parts = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []
        self.text = " ".join("".join(self.parts).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.parts.append(data)


@pytest.fixture(scope="module")
def case():
    return campaign()


@pytest.fixture(scope="module")
def html(case, tmp_path_factory):
    return written(case, tmp_path_factory.mktemp("report"), title=NASTY, date="1 May 2026")


def written(case, folder, **given):
    policy, evaluation, plan, rows = case
    given = {"evaluation": evaluation, "plan": plan, "rows": rows, **given}
    path = write_report(folder / "report.html", policy, **given)
    return path.read_text(encoding="utf-8")


def test_page_is_whole_and_needs_nothing_else(html):
    page = Page(html)
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert set(re.findall(r"https?://[^\"'<>\s)]+", html)) == {"https://arxiv.org/abs/2506.00959"}
    assert not re.search(r"@import|url\((?!#)", html)
    names = [name for name, _ in page.attributes]
    assert not [name for name in names if name.startswith("on") or name == "srcset"]
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    targets = {value for name, value in page.attributes if name == "href" and value[0] == "#"}
    assert {target[1:] for target in targets} <= set(ids)


def test_names_are_escaped_wherever_they_stand(html):
    page = Page(html)
    assert f"{NASTY} 1 May 2026" in page.text  # the title and the date
    assert f"city {NASTY} is Rome {NASTY}: " in page.text
    assert f"Nobody gets: {NASTY}" in page.text or page.text.count(f"{NASTY} ") > 2
    assert "<img" not in html


def test_names_are_escaped_in_pictures(case, tmp_path):
    policy, evaluation, _, _ = case
    evaluation = dataclasses.replace(evaluation, control=NASTY)
    html = write_report(tmp_path / "r.html", policy, evaluation=evaluation).read_text("utf-8")
    pictures = "".join(re.findall(r"<svg role=.*?</svg>", html, re.S))
    assert "<img" not in pictures
    assert "than “<img src=x onerror=alert(1)>" in unescape(pictures)
    assert "&lt;img src=x" in pictures
    Page(html)


def test_figures_are_those_of_the_evaluation(case, html):
    _, e, plan, _ = case
    text = Page(html).text.replace("\xa0", " ")
    gain, ends = amount(e.gain, e.gain_se), interval(e.gain_interval, e.gain_se)
    assert f"brings {gain} more gmv per person than “none” for everybody" in text
    assert f"(95 % interval: {ends})" in text
    place = e.rules.difference.argmin()
    assert amount(e.rules.difference[place], e.rules.difference_se[place]) in text
    for k in range(3):
        error = e.rules.difference_se[k]
        assert amount(e.rules.difference[k], error, sign=True) in text
        low_high = e.rules.difference_low[k], e.rules.difference_high[k]
        assert interval(low_high, error, sign=True) in text
        assert amount(e.by_arm.response[k], e.by_arm.response_se[k]) in text
    assert f"for all {e.n_individuals:,}" in text
    assert f"of a budget of {amount(plan.total_budget)}" in text
    assert amount(plan.total_response, plan.total_response_se) in text
    for label in plan.treatments:
        mine = plan.arms == label
        if mine.any():
            told = f"({mine.sum():,} people, cost {amount(plan.cost[mine].sum())})"
            assert f"{per_cent(mine.mean())} of people {told}".replace("\xa0", " ") in text


def test_next_tenth_is_that_of_the_plan(case, html):
    plan = case[2]
    moves = plan.explain(42.0)
    more = moves[moves["step"] == "next"]
    text = Page(html).text
    assert f"10 % more (42) is expected to bring {amount(more.response.sum())} more gmv" in text


def test_traits_are_means_of_those_who_get_an_arm(case, tmp_path):
    policy, _, _, rows = case
    mine = policy.predict(rows.X) == "10 off"
    age = rows.X["age"]
    digits = age.std(ddof=0) / 10
    told = f"age: {amount(age[mine].mean(), digits)} on average (all: {amount(age.mean(), digits)})"
    assert told in Page(written(case, tmp_path, plan=None)).text


def test_arms_of_the_list_are_described_where_rows_are_the_list(case):
    policy, _, _, rows = case
    plan = plan_list(policy, rows.X, budget=0.4)
    weights, stand_for_list = memberships(policy, plan, rows)
    assert not stand_for_list
    assert_array_equal(weights.argmax(axis=1), (plan.arms[:, None] == plan.treatments).argmax(1))
    unlike = dataclasses.replace(plan, response=plan.response + 1)
    assert memberships(policy, unlike, rows)[1]


def test_rows_stand_for_the_list_in_the_numbers_of_its_plan(case):
    policy, _, plan, rows = case
    weights, stand_for_list = memberships(policy, plan, rows)
    assert stand_for_list
    numbers = [(plan.arms == label).sum() for label in plan.treatments]
    assert_allclose(weights.sum(axis=0), numbers)
    # Rows of a segment stand for the same.
    segment = segments(rows.X)[:, 0]
    for one in np.unique(segment):
        assert len(np.unique(weights[segment == one], axis=0)) == 1


def test_cautions_are_bounded_and_the_gravest_come_first(case, tmp_path):
    policy, evaluation, plan, rows = case
    notes = [
        f"'c{place}' may have been recorded after the treatment {'on a column ' * 60}"
        for place in range(20)
    ]
    plan = dataclasses.replace(plan, status="feasible")
    draw = {**evaluation.randomisation, "p_value": 1e-9, "conclusion": "The draw is off."}
    evaluation = dataclasses.replace(
        evaluation, randomisation=type(evaluation.randomisation)(**draw)
    )
    rows = dataclasses.replace(rows, notes=tuple(notes))
    html = written((policy, evaluation, plan, rows), tmp_path)
    (block,) = re.findall(r'id="cautions">(.*?)</section>', html, re.S)
    shown = [unescape(text) for text in re.findall("<li>(.*?)</li>", block)]
    everything = [*evaluation.cautions(), "It is not proven", *notes]
    assert shown[0].startswith("Do not decide by these figures: the columns together tell")
    assert shown[2] == "The draw is off."
    for text, whole in zip(shown, everything[:6]):
        assert text.startswith(whole[:60])
    assert max(map(len, shown)) <= 220
    assert shown[5].endswith("…")
    further = len(everything) - 6
    assert shown[6:] == [
        f"{further} further things are not shown here; ask whoever made this page."
    ]
    assert f"{len(everything)} things to keep in mind" in Page(html).text


def test_notes_on_formats_and_ids_are_left_out(case):
    frame = table(200, 2)
    frame["paid"] = frame["paid"].where(frame["coupon"] != "none")
    frame["coupon result"] = frame["coupon"].map({"none": 0, "10 off": 1}).fillna(2)
    frame["visits"] = frame["visits"].map(lambda visits: f"{visits:.1f}".replace(".", ","))
    frame["person"] = [f"P{place:05d}" for place in range(200)]
    with pytest.warns(UserWarning, match="known before the treatment"):
        rows = rows_of(frame, outcome="gmv", treatment="coupon", cost="paid")
    assert any("decimal comma" in note for note in rows.notes)
    assert any("looks like an id" in note for note in rows.notes)
    leak, free = cautions(case[1], None, rows, wording_of(None, "gmv"))[-2:]
    if "taken as 0" in leak:
        leak, free = free, leak
    assert leak.startswith("'coupon result' may have been recorded after the treatment")
    assert free == "The cost of 'none' was empty in all its rows; it was taken as 0."
    before = cautions(case[1], None, None, wording_of(None, "gmv"))
    assert len(cautions(case[1], None, rows, wording_of(None, "gmv"))) == len(before) + 2


def test_no_recommendation_where_a_column_tells_the_arm(case, tmp_path):
    features = {**case[1].randomisation.features}
    features["feature"] = np.array([f"kind {NASTY}", *features["feature"][1:]], dtype=object)
    features["p_value"] = np.r_[1e-30, np.ones(len(features["feature"]) - 1)]
    draw = {**case[1].randomisation, "p_value": 1e-30, "features": features}
    off = dataclasses.replace(case[1], randomisation=type(case[1].randomisation)(**draw))
    html = written(case, tmp_path, evaluation=off)
    assert '<section class="decision open" id="decision">' in html
    text = Page(html).text
    assert f"Do not decide by this page: 'kind {NASTY}' tells which arm a person got" in text
    assert "The figures below may be wrong. Leave out what was recorded afterwards" in text
    assert "Use this policy" not in text
    assert "Is it worth choosing people?" not in text
    # A policy that gives everybody control is no advice either.
    nobody = dataclasses.replace(off, arms=np.full(len(off.arms), "none", dtype=object))
    assert decide(nobody, wording_of(None, "gmv")).kind == "open"


@pytest.mark.parametrize("together", [False, True])
def test_gain_of_a_list_is_counted_from_control_for_the_same_people(case, together):
    policy = case[0]
    people = table(90, 3)
    homes = np.arange(90) // 2 if together else None
    plan = plan_list(policy, people, total_budget=30, same_arm_within=homes)
    nobody = plan_list(policy, people, total_budget=0)
    assert (nobody.arms == "none").all()
    gain = plan.total_response - nobody.total_response
    told = totals_of_list(plan, "none", wording_of(None, "gmv"))
    assert gain > 1
    assert f"That is {amount(gain, plan.total_response_se)} more gmv than is expected" in told


def test_budgets_and_rules_are_among_the_facts(case):
    policy, evaluation, plan, _ = case
    words = wording_of({"cost_unit": "$"}, "gmv")
    people = table(100, 3)
    ruled = plan_list(
        policy, people, total_budget=30, rules=[MaxShare("10 off", 0.2), MinReturn(-1)]
    )
    found = facts(policy[-1], evaluation, ruled, None, words)
    budget = "$0.60 per person for what was checked (all figures per person), "
    budget += "$0.30 per person for the list"
    assert ("budget", budget) in found
    kept = "at most 20\xa0% get “10 off”; at least \N{MINUS SIGN}1 more gmv for each $1.00"
    assert ("kept beside the budget", kept) in found
    alike = dataclasses.replace(plan, total_budget=0.6 * len(plan.arms))
    assert ("budget", "$0.60 per person") in facts(policy[-1], evaluation, alike, None, words)


def test_one_caution_more_than_fits_is_told():
    assert bounded(list("abcdef")) == list("abcdef")
    assert bounded(list("abcdefg"))[6].startswith("1 further thing is not shown here")
    assert bounded(["word " * 44 + "end"]) == ["word " * 42 + "word…"]


@pytest.mark.parametrize("left_out", ["evaluation", "plan", "rows"])
def test_parts_that_are_not_given_are_left_out(case, left_out, tmp_path):
    html = written(case, tmp_path, **{left_out: None})
    sections = set(re.findall(r'<section[^>]* id="(\w+)"', html))
    everything = {"decision", "run", "budget", "who", "value", "next", "cautions", "how"}
    assert everything - sections == ({"value"} if left_out == "evaluation" else set())
    text = Page(html).text
    assert ("on the list" in text) == (left_out != "plan")
    assert ("on average (all:" in text) == (left_out != "rows")
    assert ("Nothing on this page was checked" in text) == (left_out == "evaluation")


def test_policy_alone_makes_a_page(case, tmp_path):
    text = Page(written(case, tmp_path, evaluation=None, plan=None, rows=None)).text
    assert "The policy is made, but what it brings is not checked." in text
    assert "None" not in text


def changed(evaluation, gain, difference, error=0.1):
    """An evaluation with another gain, and another difference to all rules."""
    rules = type(evaluation.rules)(**evaluation.rules)
    rules.update(
        difference=np.full(3, difference),
        difference_se=np.full(3, error),
        difference_low=np.full(3, difference - 2 * error),
        difference_high=np.full(3, difference + 2 * error),
    )
    ends = gain - 2 * error, gain + 2 * error
    return dataclasses.replace(
        evaluation, gain=gain, gain_se=error, gain_interval=ends, rules=rules
    )


@pytest.mark.parametrize(
    ("gain", "difference", "verdict"),
    [
        (1.0, 0.5, "Use this policy."),
        (1.0, 0.1, "A simple rule is enough: “"),
        (1.0, -0.5, "Use the simple rule instead: “"),
        (0.1, 0.5, "Stay with “none” for now."),
        (-1.0, 0.5, "Do not use this policy; stay with “none”."),
    ],
)
def test_verdict_follows_the_intervals(case, gain, difference, verdict, tmp_path):
    evaluation = changed(case[1], gain, difference)
    html = written(case, tmp_path, evaluation=evaluation)
    assert f'<p class="verdict">{verdict}' in html
    if gain < 0:
        assert "The policy brings 1.00 less gmv per person" in Page(html).text


def test_policy_of_control_for_everybody_has_nothing_to_compare(case, tmp_path):
    nobody = dataclasses.replace(case[1], arms=np.full(len(case[1].arms), "none", dtype=object))
    html = written(case, tmp_path, evaluation=nobody)
    assert "Stay with “none” for everybody." in html
    assert 'id="value"' not in html


def test_page_is_light_and_dark_and_prints(html):
    for rule in ("(prefers-color-scheme: dark)", "@media print", "@page", "max-width: 30rem"):
        assert rule in html
    assert 'name="viewport"' in html
    # Nothing of a picture has a colour that the page does not choose.
    assert not re.search(r"#0000[01]\d", re.sub(r"#000001 ?", "", html))
    variables = set(re.findall(r"var\((--[\w-]+)\)", html))
    light, dark, printed = re.findall(r":root \{(.*?)\}", html, re.S)
    for block in (light, dark, printed):
        assert variables <= set(re.findall(r"(--[\w-]+):", block))


def test_same_input_gives_the_same_bytes(case, html, tmp_path):
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "svg.hashsalt": None, "axes.grid": True}):
        again = written(case, tmp_path, title=NASTY, date="1 May 2026")
    assert again == html


def test_names_are_words_of_the_page(case, tmp_path):
    names = {
        "response": "sales",
        "cost": "coupon cost",
        "person": "customer",
        "people": "customers",
        "response_unit": "€",
        "cost_unit": "$",
        "arms": {"none": "no coupon"},
        "columns": {"age": "age in years"},
    }
    text = Page(written(case, tmp_path, names=names)).text
    assert "more sales per customer than “no coupon” for everybody" in text
    assert "$0.60 per customer" in text
    assert "age in years: " in text
    assert "gmv" not in text


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"names": {"currency": "€"}},
            ValueError,
            "names is expected to have keys of .*'currency'",
        ),
        ({"names": {"cost": 3}}, TypeError, r"names\['cost'\] is expected to be a text, got int"),
        ({"names": {"arms": "x"}}, TypeError, r"names\['arms'\] is expected to be a dict"),
        ({"names": ["cost"]}, TypeError, "names is expected to be None or a dict, got list"),
        ({"plan": 3}, TypeError, "plan is expected to be None or a ListPlan, got int"),
    ],
)
def test_bad_input(case, given, error, message, tmp_path):
    with pytest.raises(error, match=message):
        written(case, tmp_path, **given)
    assert os.listdir(tmp_path) == []


def test_parts_must_have_the_arms_of_the_policy(case, tmp_path):
    policy = ClusterBudgetAllocator(0.2, arm_cost=[0, 2], estimation="raw").fit(
        [[0], [0]] * 9, [1.0, 2.0] * 9, treatment=[0, 1] * 9
    )
    with pytest.raises(ValueError, match="plan is expected to have the arms of policy"):
        write_report(tmp_path / "report.html", policy, plan=case[2])


def test_paths_that_cannot_be_written_are_told_before_work_starts(case, tmp_path, monkeypatch):
    def work(*_):
        raise AssertionError

    monkeypatch.setattr("sklearn_hrc.report._write_report.page", work)
    with pytest.raises(FileNotFoundError, match="in a folder that exists"):
        write_report(tmp_path / "none" / "report.html", case[0])
    with pytest.raises(IsADirectoryError, match="expected to be a file"):
        write_report(tmp_path, case[0])


def test_file_changes_as_a_whole_or_not_at_all(case, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    path = tmp_path / "report.html"
    path.write_text("before")
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_hrc.report._write_report.page", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_report(path, case[0])
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["report.html"]
    write_report(str(path), case[0])
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_missing_package_names_the_extra(case, missing, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=rf"requires {missing}.*sklearn-hrc\[report\]"):
        write_report(tmp_path / "report.html", case[0])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1234567.8,), "1,234,568"),
        ((0.346, 0.024), "0.346"),
        ((3.2641, 0.02), "3.26"),
        ((0.8, 1e-12), "0.8"),
        ((-0.004, 0.1), "0.00"),
        ((0.4, None, "€"), "0.40\xa0€"),
        ((-14.2, 55.0, "€"), "\N{MINUS SIGN}14\xa0€"),
        ((-12.0, None, "$"), "\N{MINUS SIGN}$12.00"),
        ((float("nan"),), "unknown"),
    ],
)
def test_amounts(arguments, text):
    assert amount(*arguments) == text


def test_shares():
    assert [per_cent(share) for share in (0, 0.001, 0.5, 0.999, 1)] == [
        f"{text}\xa0%" for text in ("0", "under 1", "50", "over 99", "100")
    ]


def test_names_on_one_line_without_marks_of_direction():
    words = wording_of({"arms": {1: "a\n\u202eb\x00"}}, "gmv")
    assert words.arm(1) == "a b"
    assert words.arm("") == "(no name)"
    assert words.arm(5.0) == "5"
