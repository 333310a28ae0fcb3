"""``python -m gnnrec``."""

from gnnrec.cli.main import main

main()
