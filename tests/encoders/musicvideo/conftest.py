"""Makes small films of the tests of contents available here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "content"))
