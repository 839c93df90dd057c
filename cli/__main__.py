"""The `serenade` command, also as `python -m cli`; Ctrl-C is as quiet while modules load as later."""

import sys


def main() -> None:
    """Runs the command and exits."""
    try:
        from cli.main import main as run  # noqa: PLC0415 - takes long enough to be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
