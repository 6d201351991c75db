"""The library's commands: `python -m specialization data` fetches the public data,
`python -m specialization earnings` those of BEA by county and industry, which nothing else needs,
`python -m specialization results [--check] [NAME ...]` computes the stored results again."""

import signal
import sys

from .data import download
from .errors import DataError


def main(arguments: list[str]) -> int:
    """Run a command; returns the exit code."""
    match arguments:
        case ["data"]:
            print(f"{len(download.fetch_all())} files at hand")
        case ["earnings"]:
            from .data import earnings

            for classification in earnings.FILES:
                print(earnings.fetch_zip(classification))
        case ["results", *rest]:
            from .report import results

            results.main(rest)
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def stop(number: int, _) -> None:
    """End as Ctrl-C does, so that no half of a file stays."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores the second
            signal.signal(number, stop)
    try:
        sys.exit(main(sys.argv[1:]))
    except DataError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted; whole files are kept", file=sys.stderr)
        sys.exit(130)
