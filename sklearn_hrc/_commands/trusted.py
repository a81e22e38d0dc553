"""Types that the files of a policy may hold. Nothing else is loaded, whatever a file asks for."""

__all__ = ["EVALUATION_TYPES", "POLICY_TYPES"]

_OWN = """
_allocator.ClusterBudgetAllocator _assignment.Assignment _assignment.Members
_cells.estimates.CellEstimates _cells.moments.Moments _cells.table.CellTable
_clusterer.HiddenClusterer _columns.Columns
_decision_coordinates.DecisionMap _decision_coordinates.EffectScale
_nearest_cluster.Clustering _plan_in_use.PlanInUse _positions.Positions _positions.Units
_predictor.encoding.Encoding _predictor.fitted_trees.EffectTrees
_predictor.fitted_trees.PlainTree _predictor.forward.Network
_predictor.lending.Lending _predictor.pooled.PooledModel _predictor.predictor.NetworkModel
_predictor.predictor.Predictor _predictor.projection.Projection _predictor.slopes.EffectSlopes
_predictor.stack.Stack _predictor.tasks.Components
_programme.blocks.Blocks _programme.campaign.Campaign _programme.campaign.Plan
_programme.constraints.LinearConstraints _programme.constraints.Requirement
_programme.risk.BudgetRisk _programme.risk.CostErrors
_regrets.RegretScale _representer.MultiTaskRepresenter
budgets.UncertainBudget goals.LeastCost goals.Profit
rules._amounts.MaxSpend rules._amounts.MinOutcome rules._amounts.MinReturn
rules._numbers.MaxIndividuals rules._numbers.MaxShare rules._numbers.MinShare
tables._table_cleaner.TableCleaner
"""
_SKRUB = """
_apply_to_each_col.ApplyToEachCol _check_input.CheckInputDataFrame
_clean_categories.CleanCategories _clean_null_strings.CleanNullStrings
_dataframe._common.is_any_date _dataframe._common.is_categorical _dataframe._common.is_numeric
_datetime_encoder.DatetimeEncoder _drop_uninformative.DropUninformative
_duration_to_float.DurationToFloat
_squashing_scaler.SquashingScaler _squashing_scaler._MinMaxScaler
_table_vectorizer.PassThrough _table_vectorizer.ShortReprDict _table_vectorizer.TableVectorizer
_table_vectorizer._created_by_predicate
_to_datetime.ToDatetime _to_float.ToFloat _to_str.ToStr
selectors._base.All selectors._base.And selectors._base.Cols selectors._base.Filter
selectors._base.Sub selectors._selectors._cardinality_below
"""
POLICY_TYPES = [
    *(f"sklearn_hrc.{name}" for name in _OWN.split()),
    *(f"skrub.{name}" for name in _SKRUB.split()),
    "numpy.dtype",
    "scipy.sparse._csr.csr_array",
    "sklearn.tree._tree.Tree",
]
EVALUATION_TYPES = [
    "numpy.dtype",
    "sklearn.utils._bunch.Bunch",
    "sklearn_hrc.evaluation._parts.Arrays",
    "sklearn_hrc.evaluation._result.Evaluation",
    "sklearn_hrc.evaluation._rules_to_beat.BestArm",
]
