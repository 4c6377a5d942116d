"""Devices made up for rules: what they have is given, and what was looked at is remembered."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class MadeUpRelative:
    """An ancestor."""

    name: str = ""
    subsystem: str = ""
    driver: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    tags: Collection[str] = ()
    looked_at: list[str] = field(default_factory=list)

    def attribute(self, name: str, /) -> str | None:
        self.looked_at.append(name)
        return self.attributes.get(name)


@dataclass(slots=True)
class MadeUpSubject(MadeUpRelative):
    """A device; its ancestors are given from the nearest on."""

    devpath: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    links: Collection[str] = ()
    ancestors: Sequence[MadeUpRelative] = ()

    def property(self, name: str, /) -> str | None:
        return self.properties.get(name)

    def lineage(self) -> Iterator[MadeUpRelative]:
        yield self
        yield from self.ancestors
