"""`fit`: learn a policy from the table of an experiment, judge it, and keep it in a folder."""

import time
from contextlib import redirect_stdout
from typing import Any

import sklearn

from sklearn_hrc._commands.arm_words import arm_of, prices_of
from sklearn_hrc._commands.command_line import PROGRAM
from sklearn_hrc._commands.experiment_table import read_experiment
from sklearn_hrc._commands.extras import require
from sklearn_hrc._commands.fold_lines import FoldLines, duration
from sklearn_hrc._commands.manifest import describe
from sklearn_hrc._commands.policy_folder import check_output_folder, write_folder
from sklearn_hrc._commands.rule_words import rules_of
from sklearn_hrc._commands.terminal import progress, say, wrapped
from sklearn_hrc.evaluation import evaluate
from sklearn_hrc.tables import make_policy

__all__ = ["run"]


def run(options: Any) -> None:
    """Fit a policy.

    Parameters
    ----------
    options : Namespace
        Options of the command line.
    """
    require("fit", "pandas", "skrub", "skops")
    folder = check_output_folder(options.output)
    progress(f"Reading {options.table} ...")
    experiment = read_experiment(options.table, vars(options), "table")
    rows = experiment.rows
    with sklearn.config_context(enable_metadata_routing=True):
        policy = _policy(options, rows)
        say(f"{rows}\n")
        progress(f"Fitting the policy to {len(rows.X):,} rows ...")
        started = time.perf_counter()
        policy.fit(rows.X, rows.y, **rows.metadata)
        seconds = time.perf_counter() - started
        evaluation = _evaluation(policy, rows, seconds, options) if options.folds else None
    if evaluation is not None:
        say("What the policy is worth on rows that it has not seen:")
        say(wrapped(evaluation.sentences()) + "\n")
    write_folder(folder, policy, evaluation, describe(experiment, policy, options))
    say(f"The policy is in {options.output}. Plan for a list with")
    say(f"  {PROGRAM} plan LIST --policy {options.output} --total-budget AMOUNT -o FILE.csv")


def _policy(options, rows):
    """Make the policy that the options describe, of the arms that the rows have."""
    arms = sorted(set(rows.metadata["treatment"].tolist()))
    control = None if options.control is None else arm_of(options.control, arms, "control")
    rules = rules_of(options.rule, arms, options.outcome)
    if any(rule.is_for_lists for rule in rules):
        raise ValueError(
            "rule is expected to speak of arms and outcomes in fit, got one that forbids an arm by "
            "a condition; give it to plan, which has the people."
        )
    policy = make_policy(
        control=control,
        budget=options.budget,
        rules=rules,
        arm_cost=None if options.arm_cost is None else prices_of(options.arm_cost, arms),
        n_clusters=options.clusters,
        keep=options.keep,
        random_state=options.random_state,
    )
    if options.max_epochs is not None:
        policy.set_params(represent__max_epochs=options.max_epochs)
    return policy


def _evaluation(policy, rows, seconds, options):
    """Judge the policy on folds that it has not seen, with a line of progress for each."""
    n_folds = options.folds
    left = duration(seconds * (n_folds - 1))
    progress(f"Judging it on {n_folds} parts, each held out in turn ({left}) ...")
    with redirect_stdout(FoldLines(n_folds)):
        return evaluate(
            policy,
            rows.X,
            rows.y,
            **rows.metadata,
            cv=n_folds,
            random_state=options.random_state,
            verbose=1,
        )
