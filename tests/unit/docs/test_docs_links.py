"""What the documents point at is there: other documents, their sections, pictures, files that they name in passing."""

import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from tests.lab.documents import DOCUMENTS, FOR_USERS, ROOT, anchors, inline_code, links, name, prose

README = ROOT / "README.md"
PLACES = ("manifests/", "hack/", "docs/", "tests/", "udev_device_plugin/", "protos/")

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=map(name, DOCUMENTS))


@every_document
def test_links_within_the_project_lead_somewhere(document: Path) -> None:
    for link in links(document):
        target = urlsplit(link)
        if target.scheme:
            continue
        end = (document.parent / target.path).resolve() if target.path else document
        assert end.exists(), link
        assert end.is_relative_to(ROOT), link
        if target.fragment:
            assert target.fragment in anchors(end), link


@every_document
def test_links_to_elsewhere_are_whole(document: Path) -> None:
    for link in links(document):
        target = urlsplit(link)
        if target.scheme:
            assert target.scheme in ("http", "https"), link
            assert re.fullmatch(r"localhost:\d+|[a-z0-9-]+(\.[a-z0-9-]+)+", target.netloc), link


@every_document
def test_files_that_are_named_are_there(document: Path) -> None:
    words = (word for code in inline_code(document) for word in code.split())
    named = {word for word in words if word.startswith(PLACES) and re.fullmatch(r"[\w./-]+", word)}
    assert not [path for path in named if path != "manifests/overlays/NAME" and not (ROOT / path).exists()]


def test_every_document_for_users_is_linked_from_the_readme() -> None:
    linked = {(README.parent / link.partition("#")[0]).resolve() for link in links(README)}
    assert set(FOR_USERS) - linked == {README}


def test_every_picture_is_shown_in_the_readme() -> None:
    pictures = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").iterdir() if path.suffix in (".svg", ".png")}
    assert pictures == {link for link in links(README) if link.endswith((".svg", ".png"))}


def test_the_drawing_is_sound_and_says_in_words_what_it_shows() -> None:
    root = ElementTree.parse(ROOT / "docs" / "identity.svg").getroot()
    described = {child.attrib["id"] for child in root if child.tag.rpartition("}")[2] in ("title", "desc")}
    assert set(root.attrib["aria-labelledby"].split()) == described == {"title", "description"}


def test_nothing_of_this_machine_stands_in_a_tracked_document() -> None:
    here = {str(ROOT), str(Path.home())}
    tracked = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, check=False, stdout=subprocess.PIPE, text=True)
    texts = [(ROOT / path).read_text() for path in tracked.stdout.split()] or [d.read_text() for d in DOCUMENTS]
    assert not [path for path in here if any(f"{path}/" in text for text in texts)]


@every_document
def test_the_rows_of_a_table_have_the_same_number_of_cells(document: Path) -> None:
    lines = prose(document).splitlines()
    widths = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
    assert not [
        line
        for line, before, here in zip(lines[1:], widths, widths[1:], strict=False)
        if before and here not in (0, before)
    ]
