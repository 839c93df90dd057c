"""`python -m cli` is the `serenade` command."""

from cli.main import main

main()
