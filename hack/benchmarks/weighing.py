"""A program: imports what the plugin imports, in its order, and weighs it. `python -m hack.benchmarks.weighing`.

Each line is `NAME KIB`: how much resident memory it takes, of what was not there before it.
"""

import importlib

STEPS = (
    "udev_device_plugin.app.cli",  # with PyYAML
    "configargparse",
    "asyncio",
    "prometheus_client",
    "grpc",
    "google.protobuf",
    "pyudev",
    "inotify_simple",
    "tenacity",
    "udev_device_plugin.app.agent",
)


def main() -> None:
    """Import and weigh."""
    before = _resident()
    print("python", before)
    for name in STEPS:
        importlib.import_module(name)
        now = _resident()
        print(name, now - before)
        before = now


def _resident() -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
