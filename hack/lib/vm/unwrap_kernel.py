"""Takes the kernel itself, an ELF file, out of a bzImage: `unwrap_kernel.py BZIMAGE VMLINUX`.

QEMU starts either; the code that unpacks a bzImage takes seconds where a CPU is emulated. A kernel in a wrapping that
is not known here is left as it is. Standard library only: it runs without the virtual environment.
"""

import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

ELF = b"\x7fELF"
UNPACKERS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\xfd7zXZ\0", lambda data: lzma.LZMADecompressor().decompress(data)),
    (b"\x5d\0\0\0", lambda data: lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(data)),
    (b"\x1f\x8b\x08", lambda data: zlib.decompressobj(wbits=31).decompress(data)),
)


def unwrap(image: bytes) -> bytes:
    for magic, unpack in UNPACKERS:
        for place in _places(image, magic):
            try:
                unpacked = unpack(image[place:])
            except (lzma.LZMAError, zlib.error):  # the magic's bytes stand elsewhere too, by chance
                continue
            if unpacked.startswith(ELF):
                return unpacked
    return image


def _places(image: bytes, magic: bytes) -> Iterator[int]:
    place = image.find(magic)
    while place >= 0:
        yield place
        place = image.find(magic, place + 1)


if __name__ == "__main__":
    Path(sys.argv[2]).write_bytes(unwrap(Path(sys.argv[1]).read_bytes()))
