"""Lets `python -m tfbootstrap` do what the `tfbootstrap` command does."""

import sys

from tfbootstrap.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
