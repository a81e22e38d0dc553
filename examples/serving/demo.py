"""The service on a policy of its own: python examples/serving/demo.py

A small policy is fitted on a simulated experiment, distilled and exported to a folder. Then the
service decides by this folder. It takes the settings of the service, but for the folder.
"""

import argparse
import json
import os
import shlex
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
PACKAGES = ("fastapi", "onnx", "onnxruntime", "pandas", "skrub", "uvicorn")
# Neither ids nor noise is needed to decide, so a request is shorter without them.
LEFT_OUT = ["customer_id", "household_id", "noise_normal", "noise_binary", "noise_heavy"]


def main() -> None:
    """Fit, export, say what was done, and serve."""
    parser = argparse.ArgumentParser(description="Start the service on a policy of its own.")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free")
    parser.add_argument("--folder", type=Path, help="policy to write; default: temporary")
    parser.add_argument("--rows", type=int, default=3000, help="customers of the experiment")
    options = parser.parse_args()
    check_packages()
    # An end that is asked for by a signal removes the temporary folder, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        suppress(KeyboardInterrupt),
        listener_at(options.port) as listener,
        tempfile.TemporaryDirectory(prefix="sklearn-hrc-") as scratch,
    ):
        folder = options.folder or Path(scratch) / "policy"
        row = export_demo(folder, options.rows)
        listener.listen()
        print_how_to_ask(f"http://{HOST}:{listener.getsockname()[1]}", row)
        serve(folder, listener)


def check_packages() -> None:
    """End with a sentence if a package is missing."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        sys.exit(f'demo.py requires {missing[0]}: install it with pip install ".[serving,table]".')


def listener_at(port: int) -> socket.socket:
    """Take the port before anything is fitted, or end with a sentence."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        sys.exit(
            f"port is expected to be free, got {port} ({error}); choose another one with --port, "
            "or --port 0 for any that is free."
        )
    return listener


def export_demo(folder: Path, n_rows: int) -> dict:
    """Write a policy to a folder, and return a customer who gets something by it."""
    # What takes seconds to import waits until the port is known to be free.
    import sklearn
    from sklearn.frozen import FrozenEstimator

    from sklearn_hrc import DistilledAllocator
    from sklearn_hrc.datasets import make_customer_experiment
    from sklearn_hrc.export import export_policy
    from sklearn_hrc.serving import load
    from sklearn_hrc.tables import make_policy

    print(f"Fitting a policy on a simulated experiment of {n_rows:,} customers ...", flush=True)
    start = time.perf_counter()
    rct = make_customer_experiment(n_rows, raw=True, random_state=0)
    X, rows = rct.data.drop(columns=LEFT_OUT), {"treatment": rct.treatment, "cost": rct.cost}
    with sklearn.config_context(enable_metadata_routing=True):
        policy = make_policy(
            control="control", budget=1.0, objective="gmv", n_clusters=16, random_state=0
        )
        # Few epochs are enough to show the service, and not for a policy that is used.
        policy.set_params(represent__max_epochs=10).fit(X, rct.target, **rows)
        distilled = DistilledAllocator(FrozenEstimator(policy), random_state=0)
        distilled.fit(X, rct.target, **rows)
    try:
        served = load(export_policy(distilled, folder, X))
    except OSError as error:
        sys.exit(str(error))
    print(
        f"Exported to {folder} after {time.perf_counter() - start:.0f} s: plans for "
        f"{len(served.budgets)} budgets; arms {', '.join(served.treatments)}.",
        flush=True,
    )
    chosen = (served.decide(X).treatment != served.control).argmax()
    return json.loads(X.iloc[[chosen]].to_json(orient="records", date_format="iso"))[0]


def print_how_to_ask(url: str, row: dict) -> None:
    """Print a command that asks for a decision."""
    question = shlex.quote(json.dumps({"rows": row, "decision_id": "visit-1"}))
    print(f'\ncurl {url}/decide -H "content-type: application/json" -d {question}\n')
    print(f"{url}/docs has the endpoints. Ctrl-C ends the service.", flush=True)


def serve(folder: Path, listener: socket.socket) -> None:
    """Answer until a signal comes."""
    import uvicorn
    from app import make_app
    from settings import Settings

    settings = Settings.from_environment({**os.environ, "SKLEARN_HRC_POLICY": str(folder)})
    uvicorn.Server(uvicorn.Config(make_app(settings))).run(sockets=[listener])


if __name__ == "__main__":
    main()
