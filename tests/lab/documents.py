"""The project's documents, taken apart as far as tests want it: links, anchors, tables, blocks of code.

Markdown as GitHub has it. Read only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    *(ROOT / f"{name}.md" for name in ("README", "ARCHITECTURE", "BENCHMARKS", "CHANGELOG", "CONTRIBUTING")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "manifests/helm/udev-device-plugin/README.md",
)
FOR_USERS = tuple(path for path in DOCUMENTS if path.name == "README.md" or path.parent == ROOT / "docs")

_FENCE = re.compile(r"(?P<indent> *)```(?P<kind>[^\n]*)\n(?P<text>.*?)\n? *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(
    r"(?<!\\)\[(?:[^\]\[]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)"
    r'|<(?P<plain>https?://[^>\s]+)>|<img src="(?P<image>[^"]+)"'
)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code: `kind` is what stands behind its fence."""

    document: Path
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{name(self.document)}:{self.line}"


def name(document: Path) -> str:
    """As a person would name it."""
    return str(document.relative_to(ROOT))


def blocks(document: Path) -> Iterator[Block]:
    """Its blocks of code, without the indentation that they have as part of a list."""
    text = document.read_text()
    for match in _FENCE.finditer(text):
        lines = (line.removeprefix(match["indent"]) for line in match["text"].split("\n"))
        yield Block(document, text.count("\n", 0, match.start()) + 1, match["kind"], "\n".join(lines) + "\n")


def prose(document: Path) -> str:
    """Its text without blocks of code."""
    return _FENCE.sub("", document.read_text())


def inline_code(document: Path) -> list[str]:
    """What stands between backquotes."""
    return _CODE.findall(prose(document))


def links(document: Path) -> list[str]:
    """Where it links to, images included."""
    found = _LINK.finditer(_CODE.sub("", prose(document)))
    return [match["target"] or match["plain"] or match["image"] for match in found]


def anchors(document: Path) -> set[str]:
    """What can stand behind `#` in a link to it: its headings, as GitHub makes anchors of them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(document)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(anchor if anchor not in found else f"{anchor}-1")
    return found


def rows(document: Path, first: str) -> list[list[str]]:
    """The rows of the table whose first column is headed so, as cells."""
    lines = iter(prose(document).splitlines())
    for line in lines:
        if _cells(line)[:1] == [first]:
            next(lines)
            return [_cells(row) for row in iter(lambda: next(lines, ""), "")]
    raise LookupError(f"{name(document)} has no table of: {first}")


def _cells(line: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
