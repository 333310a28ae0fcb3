"""``python -m gnnrec.cli``."""

from gnnrec.cli.main import main

main()
