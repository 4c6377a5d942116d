"""How this package spells a value: a record that nobody changes.

Floor 0. Standard dataclasses, with two savings. That they are frozen is the type checker's to see: to enforce it at run
time too would make each record of a storm twice as slow. And only ``__init__`` is compiled for each class, by far the
slowest part of making one: the rest of them is shared, so that the start takes 20 ms less for some fifty classes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[_T]) -> type[_T]:
    """Make a class a record that can be compared, hashed and shared between threads, and must not be changed."""
    made = dataclass(slots=True, eq=False, repr=False)(cls)
    compared = [one.name for one in fields(made) if one.compare]  # type: ignore[arg-type]  # a dataclass by now
    shown = [one.name for one in fields(made) if one.repr]  # type: ignore[arg-type]
    values: Callable[[Any], Any] = attrgetter(*compared)

    def is_equal(self: _T, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: _T) -> int:
        return hash(values(self))

    def text(self: _T) -> str:
        return f"{made.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    for name, method in (("__eq__", is_equal), ("__hash__", hashed), ("__repr__", text)):
        setattr(made, name, method)
    return made
