"""`python -m sizewise` is the `sizewise` command."""

from sizewise.cli import main

main()
