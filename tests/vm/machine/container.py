"""A container as a runtime makes it of an answer to `Allocate`: a /dev of its own, its mounts, its device cgroup.

What else it has is the guest's: files, /sys, processes. It has no udev, as no container has.
"""

import asyncio
import itertools
import os
import re
import stat
from collections.abc import Iterator

from udev_device_plugin.testing.records import ContainerResponse, DeviceSpec, Mount

CGROUPS = "/run/device-cgroups"
OUTSIDE = "/run/dev-outside"
"""Where a container's script has the guest's /dev."""

USUAL = {"null": 3, "zero": 5, "random": 8, "urandom": 9}
"""What every container may open: minor numbers; the major one is 1."""

_numbers = itertools.count(1)


async def said_in_container(response: ContainerResponse, *command: str) -> str:
    """What a command says, on both channels, in a new container; the command must succeed."""
    script = "\n".join(["set -e", *_lines(response, f"{CGROUPS}/{next(_numbers)}"), 'exec "$@"'])
    process = await asyncio.create_subprocess_exec(
        *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *command),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LIBUSB_DEBUG": "1"},
    )
    output, _ = await process.communicate()
    said = output.decode("utf-8", "replace")
    assert process.returncode == 0, said
    return said


def _lines(response: ContainerResponse, cgroup: str) -> Iterator[str]:
    """In a runtime's order: mounts, nodes, and then the device cgroup."""
    yield f"mkdir -p {CGROUPS} {OUTSIDE} /run/udev"
    yield f"mountpoint -q {CGROUPS} || mount -t cgroup -o devices devices {CGROUPS}"
    yield f"mount --rbind /dev {OUTSIDE}"
    yield "mount -t tmpfs -o mode=755 dev /dev && mount -t tmpfs -o mode=755 none /run/udev"
    for name, minor in USUAL.items():
        yield f"mknod -m 666 /dev/{name} c 1 {minor}"
    for mount in response.mounts:
        yield from _mounted(mount)
    for device in response.devices:
        yield from _made(device)
    yield f"mkdir {cgroup} && echo a >{cgroup}/devices.deny"
    for minor in USUAL.values():
        yield f"echo 'c 1:{minor} rw' >{cgroup}/devices.allow"
    for device in response.devices:
        number = os.stat(device.host_path).st_rdev
        yield f"echo 'c {os.major(number)}:{os.minor(number)} {device.permissions}' >{cgroup}/devices.allow"
    yield f"echo $$ >{cgroup}/cgroup.procs"


def _mounted(mount: Mount) -> Iterator[str]:
    source = re.sub("^/dev/", f"{OUTSIDE}/", mount.host_path)
    yield f"mkdir -p '{mount.container_path}' && mount --bind '{source}' '{mount.container_path}'"
    if mount.read_only:
        yield f"mount -o remount,bind,ro '{mount.container_path}'"


def _made(device: DeviceSpec) -> Iterator[str]:
    """Links are followed, and number and mode copied, whenever a container is created."""
    node = os.stat(device.host_path)
    yield f"mkdir -p '{os.path.dirname(device.container_path)}'"
    mode, number = stat.S_IMODE(node.st_mode), node.st_rdev
    yield f"mknod -m {mode:o} '{device.container_path}' c {os.major(number)} {os.minor(number)}"
