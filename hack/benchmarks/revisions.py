"""Other revisions of the plugin, to measure them beside this checkout."""

import compileall
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def package_of(revision: str) -> Iterator[str]:
    """The plugin's package as of another revision, in a directory of its own, compiled as this one's is."""
    with tempfile.TemporaryDirectory(dir=".cache", prefix="bench-") as folder:
        archive = subprocess.run(["git", "archive", revision, "udev_device_plugin"], check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive.stdout)
        with open(f"{folder}/udev_device_plugin/_version.py", "w") as file:
            file.write(f'__version__ = "{revision}"\n')
        compileall.compile_dir(folder, quiet=1)
        yield os.path.abspath(folder)


def hash_of(revision: str) -> str:
    """Its short name."""
    command = ["git", "rev-parse", "--short", "--verify", f"{revision}^{{commit}}"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
