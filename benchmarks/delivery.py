"""1,000 alerts for each trouble of Redis and each seed, through kill -9 at random moments: is one lost?"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from alerts.redis_program import find_server
from benchmarks.load import Load
from tests.alerts.crashes import TROUBLES, crash


def main(troubles: Sequence[str], seeds: int, first: int, kills: int, alerts: int) -> None:
    """Prints a line for each run; ends at the first one that lost or reordered anything."""
    program = find_server()
    load = Load()
    print(
        f"{'Redis':6} {'seed':>6} {'kills':>6} {'doubles':>8} {'heard':>6} {'gaps healed':>12} {'seconds':>8}"
    )
    for trouble in troubles:
        for seed in range(first, first + seeds):
            began = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="framewarden-") as folder:
                seen = crash(program, Path(folder), seed, (trouble,), kills=kills, alerts=alerts)
            print(
                f"{trouble:6} {seed:6} {seen.kills:6} {seen.doubles:8} {seen.heard:6} {seen.gaps:12}"
                f" {time.monotonic() - began:8.1f}",
                flush=True,
            )
    print("every alert arrived, in order")
    print(load.in_words())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--troubles", nargs="+", choices=TROUBLES, default=TROUBLES)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--alerts", type=int, default=1000)
    options = parser.parse_args()
    main(options.troubles, options.seeds, options.first, options.kills, options.alerts)
