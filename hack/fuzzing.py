"""The command line of hack/fuzz: what to fuzz, for how long, from which seed."""

import argparse
import random
import signal
import sys
import time
import traceback
from types import FrameType

from tests.lab.fuzzing import TARGETS, Target, inputs, run, shrunk

PATIENCE = 10  # seconds for one input


def main() -> int:
    """Fuzz and print the result; return 1 if something was found."""
    arguments = _parser().parse_args()
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    signal.signal(signal.SIGALRM, _hang)
    found = [_fuzz(name, TARGETS[name], arguments.seconds, seed) for name in arguments.targets or TARGETS]
    return int(any(found))


def _fuzz(name: str, target: Target, seconds: float, seed: int) -> bool:
    """Fuzz one target; True if something was found."""
    counts = {True: 0, False: 0}
    started = time.monotonic()
    found = False
    while not found and time.monotonic() < started + seconds:
        at = seed + sum(counts.values())
        signal.alarm(PATIENCE)
        try:
            counts[run(target, at)] += 1
        except Exception as error:  # whatever it is, it was found
            signal.alarm(0)
            found = True
            traceback.print_exc()
            data, subject = inputs(target, at)
            print(f"the input, with --seed {at}, is: {data!r}\nwith the device: {subject!r}", flush=True)
            if not isinstance(error, TimeoutError):  # that would take its time again and again
                print(f"the part of it that fails is: {shrunk(target, data, subject)!r}", flush=True)
    signal.alarm(0)
    accepted, refused = counts[True], counts[False]
    print(
        f"{name}: {accepted + refused} inputs in {time.monotonic() - started:.0f} s, {accepted} accepted, "
        f"{refused} refused, {'FAILED' if found else 'nothing found'}, from seed {seed}",
        flush=True,
    )
    return found


def _hang(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"one input took more than {PATIENCE} s")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hack/fuzz", description="Feeds odd input to what reads it.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"{', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=float, default=60, help="how long for each target (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="which inputs; the same again (default: others each time)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
