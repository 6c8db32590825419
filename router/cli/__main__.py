"""Runs the command line as `python -m router.cli`, which needs no script on PATH."""

from router.cli import main

main()
