"""JSON of which it is not known who wrote it: as much of it as the memory bears.

Pure. A text of some MiB can have millions of values of two bytes, each of which takes a hundred in memory.
"""

import json
from typing import Any

MAX_VALUES = 500_000
"""More than a record of 20,000 devices has."""


def loads(content: bytes) -> Any:
    """Return what a JSON text says.

    Raises:
        ValueError: it is none, or has more than ``MAX_VALUES`` values.
        RecursionError: it is nested too deeply.
    """
    # Each value but one stands behind one of these; in strings they count for nothing, and are few.
    if sum(map(content.count, (b"[", b"{", b","))) > MAX_VALUES:
        raise ValueError(f"it has more than {MAX_VALUES} values")
    return json.loads(content)
