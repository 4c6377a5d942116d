"""Removes the loop devices given by path. Standard library only: it runs without the virtual environment."""

import fcntl
import re
import sys

LOOP_CTL_REMOVE = 0x4C81  # linux/loop.h


def remove(numbers: list[int]) -> None:
    with open("/dev/loop-control", "rb") as control:
        for number in numbers:
            try:
                fcntl.ioctl(control, LOOP_CTL_REMOVE, number)
            except OSError as error:
                print(f"/dev/loop{number}: not removed: {error}", file=sys.stderr)


if __name__ == "__main__":
    remove([int(match[1]) for path in sys.argv[1:] if (match := re.fullmatch(r"/dev/loop(\d+)", path))])
