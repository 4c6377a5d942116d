"""What may stand where a file or a directory is expected, for tests of what becomes of it."""

import os
from pathlib import Path


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def something_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def something_huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(300 << 20)
