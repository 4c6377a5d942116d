"""Why what stands at a path, or should, is not offered there.

Pure. Any thread.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from udev_device_plugin.selectors.kind import MatchFacts
from udev_device_plugin.selectors.mismatch import NearMiss, NearMisses, bounded

if TYPE_CHECKING:  # it asks this module
    from udev_device_plugin.selectors.paths.selector import PathSelector


def mismatches(selector: "PathSelector", facts: MatchFacts) -> tuple[NearMisses, str]:
    """What stands at a glob's matches and is not offered there; and what to say if there is nothing at all."""
    dead_links = sorted(filter(selector.glob.matches, facts.dead_links))
    misses = [
        *_twins(selector, facts),
        *(NearMiss(path, "is a link that leads nowhere") for path in dead_links),
        *facts.not_offered(),
    ]
    remark = "nothing stands there" if selector.is_literal else "no path matches"
    return bounded(misses), "" if misses else remark


def _twins(selector: "PathSelector", facts: MatchFacts) -> Iterator[NearMiss]:
    """Devices that claim a link that the glob matches, and that leads to another one."""
    if selector.is_literal and not facts.is_there(selector.glob.literal):
        return
    for devnode, link, target in facts.lost_links():
        if selector.glob.matches(link):
            kind = next((f"{kind} " for kind in ("by-id", "by-path") if f"/{kind}/" in link), "")
            other = target.removeprefix("/dev/")
            yield NearMiss(devnode, f"twin of {other}: same {kind}link, which leads to {other}: {link}")
