"""Starts the launcher: `python3 -I -S <this folder>`, with its settings as the first line of its input."""

import os
import sys

# Python put this folder itself on the path; modules are found from its parent.
sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from berth_runtime.launcher import main  # noqa: E402

main()
