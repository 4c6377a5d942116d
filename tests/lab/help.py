"""The program's help, as it says it and as README.md has it between its markers."""

import os
import re
import subprocess
import sys

from tests.lab.documents import ROOT

README = ROOT / "README.md"
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
