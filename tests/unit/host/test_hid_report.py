"""The usage pages of a HID interface, by its report descriptor, which may be anything."""

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin.host.hid_report import MAX_DESCRIPTOR, pages_of_collections

COLLECTION, END = b"\xa1\x01", b"\xc0"
KEYBOARD = bytes.fromhex(
    "05010906a101 0507 19e029e7 15002501 75019508 8102 c0"
)  # its keys are of page 7, within page 1
SCANNER = bytes.fromhex("058c0902a101 0902a102 c0 c0")
VENDOR = bytes.fromhex("0600ff 0901 a101 c0")


@pytest.mark.parametrize(
    ("descriptor", "pages"),
    [
        (KEYBOARD, {"0001"}),
        (SCANNER, {"008c"}),
        (VENDOR, {"ff00"}),
        (KEYBOARD + SCANNER + VENDOR, {"0001", "008c", "ff00"}),
        (b"\x0b\x20\x00\x8d\x00" + COLLECTION + END, {"008d"}),  # a usage of four bytes has its page before it
        (b"\x05\x01\x0b\x20\x00\x8d\x00\x81\x00" + COLLECTION + END, {"0001"}),  # and holds until a main item
        (b"\x05\x84\xa4\x05\x01\xb4" + COLLECTION + END, {"0084"}),  # the page is pushed, changed, and popped
        (b"\xb4\x05\x84" + COLLECTION, {"0084"}),
        (b"\x07\x84\x00\x01\x00" + COLLECTION, {"0084"}),  # a page has two bytes, whatever the item has
        (b"\xfe\x02\x99\xa1\x01\x05\x84" + COLLECTION, {"0084"}),  # a long item, whose data mean nothing
        (COLLECTION + b"\x05\x8c" + COLLECTION, {"0000"}),
        (b"\x05\x8c", set()),
        (b"\x05", set()),
        (b"", set()),
    ],
)
def test_they_are_those_of_its_top_level_collections(descriptor: bytes, pages: set[str]) -> None:
    assert pages_of_collections(descriptor) == pages


@given(st.binary(max_size=MAX_DESCRIPTOR))
def test_of_whatever_bytes_they_are_four_digits_each(descriptor: bytes) -> None:
    pages = pages_of_collections(descriptor)
    assert all(len(page) == 4 and int(page, 16) >= 0 for page in pages)


@given(st.lists(st.sampled_from([KEYBOARD, SCANNER, VENDOR])), st.integers(0, 20))
def test_what_is_cut_has_no_others(parts: list[bytes], cut: int) -> None:
    whole = b"".join(parts)
    assert pages_of_collections(whole[: len(whole) - cut]) <= pages_of_collections(whole)
