import sys
from pathlib import Path

# The benchmarks are scripts that import each other by name, as Python does for a script's own folder.
sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
sys.path.append(str(Path(__file__).parents[1] / "browser"))
