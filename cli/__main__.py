"""The `serenade` command, also as `python -m cli`; Ctrl-C is as quiet while modules load as later."""

import signal
import sys


def main() -> None:
    """Runs the command and exits."""
    try:
        from cli.main import main as run  # noqa: PLC0415 - takes long enough to be interrupted

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # while the interpreter ends nothing is left to be stopped
            signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
