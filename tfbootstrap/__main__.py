"""Starts the `tfbootstrap` command, and lets `python -m tfbootstrap` do the same."""

import sys


def main() -> int:
    """Run the command line and return its exit code; while it is being loaded an interrupt is as quiet as later."""
    try:
        from tfbootstrap.cli.main import main as run
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; nothing was written\n")
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
