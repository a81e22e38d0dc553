"""
A table that is larger than memory
==================================

This example fits a policy to a folder of Parquet files, which are never in memory together, and
writes the arm of each customer of next month's list. The folder of the example is small, so that
the page is built in seconds. Nothing in the code changes for a folder of 500 million rows.
"""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_hrc import ClusterBudgetAllocator, HiddenClusterer, MultiTaskRepresenter
from sklearn_hrc.datasets import make_coupon_experiment
from sklearn_hrc.large import decide_large, fit_large
from sklearn_hrc.plotting import AllocationDisplay

# %%
# The files
# ---------
# Eight files hold the rows of a simulated experiment: features, the coupon that a customer got,
# what was bought, and what the coupon cost.
folder = Path(tempfile.mkdtemp())
rct = make_coupon_experiment(80_000, as_frame=True, random_state=0)
table = rct.data.assign(coupon=rct.treatment, gmv=rct.target["gmv"], paid=rct.cost)
table.insert(0, "customer_id", [f"C{number:07}" for number in range(len(table))])
(folder / "campaign").mkdir()
for part in range(8):
    rows = pa.Table.from_pandas(table[part::8], preserve_index=False)
    pq.write_table(rows, folder / "campaign" / f"part-{part}.parquet")

# %%
# Fit
# ---
# Networks and clusters are fitted to a sample, here of 20,000 rows. What each coupon brings and
# costs in each cluster is estimated from all rows, which are read a second time.
policy = make_pipeline(
    StandardScaler(),
    MultiTaskRepresenter(max_epochs=20, random_state=0),
    HiddenClusterer(n_clusters=64, random_state=0),
    ClusterBudgetAllocator(budget=1.2, random_state=0),
)
policy = fit_large(
    policy,
    folder / "campaign",
    outcome="gmv",
    treatment="coupon",
    cost="paid",
    key="customer_id",
    sample=20_000,
    random_state=0,
)
print(f"{policy[-1].cluster_sizes_.sum():,} customers in {len(policy[-1].clusters_)} clusters")

# %%
# The result is an ordinary fitted policy. Another budget needs no file.
policy[-1].set_budget(0.8)
AllocationDisplay.from_estimator(policy[-1])

# %%
# Decide
# ------
# The list of next month has the same features. ``keep`` names what is written beside the coupon.
next_month = make_coupon_experiment(30_000, as_frame=True, random_state=1).data
next_month.insert(0, "customer_id", [f"D{number:07}" for number in range(len(next_month))])
pq.write_table(pa.Table.from_pandas(next_month), folder / "next_month.parquet")
counts = decide_large(policy, folder / "next_month.parquet", folder / "arms", keep="customer_id")
print({coupon: f"{count:,}" for coupon, count in counts.items()})

# %%
# The arms stand in a folder of Parquet files, too.
ds.dataset(folder / "arms").head(5).to_pandas()
