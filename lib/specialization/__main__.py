"""The library's commands: `python -m specialization data` fetches the public data,
`python -m specialization earnings` those of BEA by county and industry, which nothing else needs,
`python -m specialization results [--check] [NAME ...]` computes the stored results again."""

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


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DataError as error:
        sys.exit(f"error: {error}")
