"""Writes the program's help into README.md, between its markers: `.venv/bin/python -m hack.embed_help`.

A test compares the two.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- help -->\n", "<!-- /help -->\n"


def help_text() -> str:
    """What the program says of itself, on a hundred columns without colours."""
    command = [sys.executable, "-m", "udev_device_plugin", "--help"]
    plain = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run(command, env=plain, check=True, stdout=subprocess.PIPE, text=True).stdout


def embedded() -> str:
    """What stands between the markers, without the fence around it."""
    between = README.read_text().partition(BEGIN)[2].partition(END)[0]
    return re.sub(r"\A```text\n|```\n\Z", "", between)


def comparable(text: str) -> str:
    """The text as any argparse would have it: since Python 3.13, a value stands behind the last of two flags only."""
    return re.sub(r"(--[\w-]+) [A-Z]+, (--[\w-]+ [A-Z]+)", r"\1, \2", " ".join(text.split()))


def main() -> None:
    """Renew it."""
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}```text\n{help_text()}```\n{END}{after}")


if __name__ == "__main__":
    main()
