"""Import of the package beside that of `sklearn.pipeline`.

python benchmarks/import_time.py
"""

import subprocess
import sys
from statistics import median

REPEATS = 9
STATEMENT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def seconds(module):
    """Import a module in a fresh interpreter and return how long it took."""
    run = subprocess.run(
        [sys.executable, "-c", STATEMENT.format(module)], capture_output=True, check=True
    )
    return float(run.stdout)


def main():
    """Import both in turn and print the median of the ratios."""
    modules = ("sklearn_hrc", "sklearn.pipeline")
    for module in modules:
        seconds(module)  # fills the caches
    times = [[seconds(module) for module in modules] for _ in range(REPEATS)]
    print("$ python", *sys.argv)
    for i, module in enumerate(modules):
        print(f"{module:>18}: {median(pair[i] for pair in times):.2f} s")
    print(f"{'ratio':>18}: {median(ours / theirs for ours, theirs in times):.2f}")


if __name__ == "__main__":
    main()
