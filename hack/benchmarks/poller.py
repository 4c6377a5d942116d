"""A program: what a plugin without udev does. `python -m hack.benchmarks.poller GLOB SECONDS`.

It looks for matches, sleeps, and looks again. Each line is `SECONDS PATH`, of a match that was not there before.
"""

import glob
import sys
import time

READY = "ready"


def main(pattern: str, interval: float) -> None:
    """Look until killed."""
    known = set(glob.glob(pattern))
    print(READY, flush=True)
    while True:
        time.sleep(interval)
        found = set(glob.glob(pattern))
        for path in found - known:
            print(f"{time.monotonic():.6f} {path}", flush=True)
        known = found


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
