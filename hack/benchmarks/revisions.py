"""Which revisions of the plugin are measured: this checkout, and another one beside it."""

import compileall
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def checkouts(before: str | None) -> Iterator[tuple[Mapping[str, str], Mapping[str, str]]]:
    """By column, `now` last: where the package is, and the revision's short name."""
    now, revision = os.getcwd(), _hash_of("HEAD")
    if before is None:
        yield {"now": now}, {"now": revision}
    else:
        with _package_of(before) as folder:
            yield {"before": folder, "now": now}, {"before": _hash_of(before), "now": revision}


@contextmanager
def _package_of(revision: str) -> Iterator[str]:
    """The plugin's package as of another revision, in a directory of its own, compiled as this one's is."""
    with tempfile.TemporaryDirectory(dir=".cache", prefix="bench-") as folder:
        archive = subprocess.run(["git", "archive", revision, "udev_device_plugin"], check=True, stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", folder], check=True, input=archive.stdout)
        with open(f"{folder}/udev_device_plugin/_version.py", "w") as file:
            file.write(f'__version__ = "{revision}"\n')
        compileall.compile_dir(folder, quiet=1)
        yield os.path.abspath(folder)


def _hash_of(revision: str) -> str:
    """Its short name."""
    command = ["git", "rev-parse", "--short", "--verify", f"{revision}^{{commit}}"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
