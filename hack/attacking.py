"""The command line of hack/attack: a table of attacks, of what is expected, and of what is seen."""

import argparse
import asyncio
import sys

from rich.console import Console
from rich.table import Table

from tests.lab.attacks import ATTACKS, Seen, target
from tests.lab.file_attacks import FILE_ATTACKS, Row
from tests.lab.host import refuse_outside

ANSWERED_WITHIN = 1.0
"""Seconds: the shortest timeout that a probe can have."""

LISTED_WITHIN = 0.1
PEAK = 100 << 20
"""Bytes; the manifest's limit is 128 MiB."""

EXPECTED = f"all probes in {ANSWERED_WITHIN:g} s, plugs in {LISTED_WITHIN * 1000:.0f} ms, {PEAK >> 20} MiB"

ALL = [*ATTACKS, *FILE_ATTACKS]

DEVICES = 3000
PLUGS = 5

SETTLING = 11.0
"""Seconds after a start: after 10 s the plugin asks once what pods hold, and assembles all devices with the answer."""


def main() -> int:
    """Attack and print the table; return 1 if something is not as expected."""
    parser = argparse.ArgumentParser(prog="hack/attack", description=__doc__)
    parser.add_argument("--only", choices=ALL, metavar="ATTACK", action="append", help="; ".join(ALL))
    parser.add_argument("--probes", type=int, default=30, help="during each attack (default: %(default)s)")
    arguments = parser.parse_args()
    refuse_outside()
    names = arguments.only or ALL
    rows: dict[str, Row] = {}
    if ports := [name for name in names if name in ATTACKS]:
        for name, seen in asyncio.run(attack(ports, arguments.probes)).items():
            rows[name] = Row(EXPECTED, _figures(seen), is_as_expected(seen))
    for name in names:
        if name in FILE_ATTACKS:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows[name] = asyncio.run(attack_files(name))
    table = Table("attack", "expected", "seen", "")
    for name, row in rows.items():
        table.add_row(name, row.expected, row.seen, "as expected" if row.is_as_expected else "NOT AS EXPECTED")
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return 0 if all(row.is_as_expected for row in rows.values()) else 1


async def attack_files(name: str) -> Row:
    """What is seen of an attack by what stands in files."""
    return await FILE_ATTACKS[name]()


async def attack(names: list[str], probes: int) -> dict[str, Seen]:
    """What is seen without an attack, and during each of these."""
    async with target(DEVICES) as it:
        await asyncio.sleep(SETTLING)
        rows = {"none": await it.seen(None, probes=probes, plugs=PLUGS)}
        for name in names:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows[name] = await it.seen(name, probes=probes, plugs=PLUGS)
        it.plugin.is_quiet = all(map(is_as_expected, rows.values()))
    return rows


def is_as_expected(seen: Seen) -> bool:
    """Whether devices and probes do not notice the attack."""
    return max(seen.probes) <= ANSWERED_WITHIN and max(seen.plugs) <= LISTED_WITHIN and seen.peak < PEAK


def _figures(seen: Seen) -> str:
    slowest = max((seconds for seconds in seen.probes if seconds < float("inf")), default=0.0)
    probes = f"{seen.answered} of {len(seen.probes)} probes in {slowest * 1000:.0f} ms"
    return f"{probes}, plugs in {max(seen.plugs) * 1000:.0f} ms, {seen.peak / 2**20:.1f} MiB"


if __name__ == "__main__":
    sys.exit(main())
