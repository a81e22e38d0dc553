"""Arms typed as words."""

import pytest

from sklearn_hrc._commands.arm_words import arm_of, prices_of


@pytest.mark.parametrize(
    ("word", "arms", "found"),
    [
        ("5", [0, 5], 5),
        ("5.0", [0, 5], 5),
        ("5", ["5", "none"], "5"),
        ("0.5", [0.0, 0.5], 0.5),
        ("True", [False, True], True),
        ("a b", ["a", "a b"], "a b"),
    ],
)
def test_label_is_that_of_the_experiment(word, arms, found):
    arm = arm_of(word, arms, "control")
    assert arm == found
    assert type(arm) is type(found)


def test_text_is_no_number():
    with pytest.raises(ValueError, match=r"control is expected to name an arm, got '5\.0'"):
        arm_of("5.0", ["5", "none"], "control")


def test_number_is_no_truth():
    with pytest.raises(ValueError, match="got '1'; the arms are 'False', 'True'"):
        arm_of("1", [False, True], "control")


def test_prices_are_by_label():
    assert prices_of(["none=0", "a=b=0.8"], ["none", "a=b"]) == {"none": 0.0, "a=b": 0.8}


@pytest.mark.parametrize(
    ("word", "message"),
    [("none", "like letter=0.8"), ("none=x", "like letter=0.8"), ("nne=1", "nearest is 'none'")],
)
def test_wrong_price_is_one_sentence(word, message):
    with pytest.raises(ValueError, match=message):
        prices_of([word], ["none", "letter"])
