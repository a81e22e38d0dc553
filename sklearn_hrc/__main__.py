"""`python -m sklearn_hrc`: the main job, and three commands on files."""

import sys

from sklearn_hrc._commands.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
