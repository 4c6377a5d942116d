"""The command line of hack/soak: how many random sequences, from which seed."""

import argparse
import asyncio
import random
import sys
import time

from tests.lab.chaos.overlaps import overlap_again_and_again
from tests.lab.chaos.soak import minutes, sequences, soak
from tests.lab.host import refuse_outside


def main() -> int:
    """Soak and print the result; return 1 if a sequence fails."""
    arguments = _parser().parse_args()
    refuse_outside()
    if arguments.overlaps:
        asyncio.run(overlap_again_and_again(arguments.overlaps, lambda text: print(text, flush=True)))
        return 0
    seed = random.randrange(1_000_000) if arguments.seed is None else arguments.seed
    started = time.monotonic()
    print(f"seed {seed}", flush=True)
    is_enough = minutes(arguments.minutes) if arguments.minutes else sequences(arguments.sequences)
    figures, finding = asyncio.run(soak(seed, is_enough, lambda text: print(text, flush=True)))
    if finding is not None:
        print(f"\nFAILED, seed {seed}:\n{finding}\n")
    print(f"{figures} in {time.monotonic() - started:.0f} s, seed {seed}")
    return 0 if finding is None else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hack/soak", description="Plays random sequences with the plugin.")
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("-n", "--sequences", type=int, default=500, help="how many (default: %(default)s)")
    amount.add_argument("--overlaps", type=int, help="no sequences, but two plugins at once, so often in each way")
    amount.add_argument("--minutes", type=float, help="how long, instead")
    parser.add_argument("--seed", type=int, help="which sequences; the same again (default: others each time)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
