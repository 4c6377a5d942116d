"""Writes the program's help into README.md, between its markers: `.venv/bin/python -m hack.embed_help`.

A test compares the two.
"""

from tests.lab.help import BEGIN, END, README, help_text


def main() -> None:
    """Renew it."""
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}```text\n{help_text()}```\n{END}{after}")


if __name__ == "__main__":
    main()
