"""The door of `localtwins` and `python -m localtwins`: without the server extra it says what to install."""

import sys

from twinfront_program.light_start import begin_start


def main() -> int:
    """Runs the command line and gives its exit status."""
    begin_start()
    try:
        from localtwins import cli  # noqa: PLC0415  (its imports are what may be missing)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in {"localtwins", "twinfront_program"}:
            raise
        print("localtwins needs more than the client: pip install 'twinfront[server]'", file=sys.stderr)  # noqa: T201  (a command line prints)
        return 1
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
