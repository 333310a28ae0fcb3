"""The ``gnnrec`` command; modules here import torch inside the commands only."""
