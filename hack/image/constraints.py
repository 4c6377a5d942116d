"""The container that hack/image-test runs: an OCI configuration with what a hardened DaemonSet grants.

uid 0 without a single capability, no new privileges, a read-only root, the usual seccomp profile, the host's network;
 /dev and /run/udev read-only, and the plugin directory as the one place to write to. Pure.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from typing import Any

SECCOMP = "/usr/share/containers/seccomp.json"
"""The profile that podman and buildah bring: docker's and containerd's, with the same grammar."""

_MASKED = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/sched_debug")
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}


def container(
    root: str, arguments: Sequence[str], environment: Sequence[str], seccomp: Mapping[str, Any], plugin_directory: str
) -> dict[str, Any]:
    """The configuration of a bundle, for any OCI runtime."""
    nothing: list[str] = []
    kinds = ("bounding", "effective", "inheritable", "permitted", "ambient")
    return {
        "ociVersion": "1.0.2",
        "root": {"path": root, "readonly": True},
        "hostname": "image-test",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": list(arguments),
            "env": list(environment),
            "cwd": "/",
            "capabilities": dict.fromkeys(kinds, nothing),
            "noNewPrivileges": True,
        },
        "mounts": [
            _mount("/proc", "proc", "nosuid", "noexec", "nodev"),
            _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
            _bind("/dev", "ro"),
            _bind("/run/udev", "ro"),
            _bind(plugin_directory, "rw"),
        ],
        "linux": {
            # No network namespace: udev's events arrive on the host's network only. Here that is the lab's.
            "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
            "maskedPaths": list(_MASKED),
            "readonlyPaths": list(_READ_ONLY),
            "seccomp": dict(seccomp),
        },
    }


def without_capabilities(profile: str) -> dict[str, Any]:
    """The engines' seccomp profile as OCI runtimes take it, for a container without capabilities."""
    source = json.loads(profile)
    machine, architecture = _ARCHITECTURES[platform.machine()]
    rules = [rule for rule in source["syscalls"] if _applies(rule, machine)]
    return {
        "defaultAction": source["defaultAction"],
        "defaultErrnoRet": source["defaultErrnoRet"],
        "architectures": [architecture],
        "syscalls": [_plain(rule) for rule in rules],
    }


def _applies(rule: Mapping[str, Any], machine: str) -> bool:
    included, excluded = rule.get("includes") or {}, rule.get("excludes") or {}
    if included.get("caps") or machine in excluded.get("arches", ()):
        return False
    return machine in included.get("arches", (machine,))


def _plain(rule: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"names": "names", "action": "action", "errnoRet": "errnoRet", "args": "args"}
    return {name: rule[key] for key, name in keys.items() if rule.get(key)}


def _mount(destination: str, kind: str, *options: str) -> dict[str, Any]:
    return {"destination": destination, "type": kind, "source": kind, "options": list(options)}


def _bind(path: str, access: str) -> dict[str, Any]:
    return {"destination": path, "type": "bind", "source": path, "options": ["rbind", "rprivate", access]}
