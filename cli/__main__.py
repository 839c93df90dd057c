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
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C changes no exit status


if __name__ == "__main__":
    main()
