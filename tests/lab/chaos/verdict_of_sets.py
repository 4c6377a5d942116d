"""What must hold of devices that are made of several nodes: sticks with what is in them, and zipped pairs.

- A stick is offered once, with nodes of its own only; its ID stands for its serial number or its port for ever.
- What is in a socket has one ID there for ever, under whichever of its ids and at whichever of the two ports it is.
- The ID of a pair stands for its two parts. A node is in one pair at most; two that are paired stay so for as long as
  both are there, and while one is away and the pair is listed, the other is reserved. There is no pair only where
  there is no node left for one.
- Another plugin process, or a resource that was configured anew, may pair anew what is there.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.lab.chaos.park import Meaning, Plugged
from tests.lab.chaos.resources import PAIRS, STICKS
from tests.lab.chaos.truth import Truth

Id = tuple[str, str]
"""A resource, and an ID of it."""

Parts = tuple[frozenset[Meaning], ...]
"""What an ID stands for, part by part."""

Bodies = tuple[tuple[int, str], ...]
"""What is there: of each part the making, and the node or the article."""


@dataclass(slots=True)
class Seen:
    """What a look at one resource found: which IDs lead where, and which are listed besides."""

    started: list[tuple[Id, tuple[str, ...]]] = field(default_factory=list)
    others: list[Id] = field(default_factory=list)
    refused: list[Id] = field(default_factory=list)


class VerdictOfSets:
    """Remembers what the IDs of sets stood for."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._parts: dict[Id, Parts] = {}
        self._ids: dict[tuple[str, Bodies], str] = {}
        self._sockets: dict[tuple[str, Parts], str] = {}

    def judge(self, resource: str, seen: Seen) -> list[str]:
        """What is wrong with what was seen."""
        faults = [fault for id_, paths in seen.started for fault in self._judge_one(id_, paths)]
        if faults:
            return faults
        return self._judge_sticks(resource, seen) if resource in STICKS else self._judge_pairs(resource, seen)

    def remember(self, seen: Seen) -> None:
        """What was seen is from now on expected."""
        for id_, paths in seen.started:
            bodies, parts = self._look_at(id_, paths)
            known = self._parts.get(id_, parts)
            self._parts[id_] = tuple(before & now for before, now in zip(known, parts, strict=True))
            self._ids[id_[0], bodies] = id_[1]
            if any("socket of stick" in meaning for meaning in parts[0]):
                self._sockets[id_[0], parts] = id_[1]

    def _judge_one(self, id_: Id, paths: Sequence[str]) -> list[str]:
        nodes = [self._truth.node_at(path) for path in paths]
        if not all(node is not None and self._truth.has(node) for node in nodes):
            return [f"Healthy, and not there: {id_}: {dict(zip(paths, nodes, strict=True))}"]
        if (name := id_[0].rpartition("/")[2]) in STICKS:
            one = self._truth.owner(str(nodes[0]))
            wholes = [one.whole(selector) for selector in STICKS[name] if one.fits(selector)]
            if nodes not in wholes:
                return [f"not the stick's nodes in their order: {id_}: {nodes}, and not {wholes}"]
        bodies, parts = self._look_at(id_, paths)
        known = self._parts.get(id_, parts)
        if not all(before & now for before, now in zip(known, parts, strict=True)):
            return [f"an ID that moved: {id_} was {known}, and is {parts} now, by {paths}"]
        if (in_socket := self._sockets.get((id_[0], parts), id_[1])) != id_[1]:
            return [f"another ID than before: {id_[0]}: {parts} was {in_socket}, is {id_[1]}"]
        before = self._ids.get((id_[0], bodies), id_[1])
        return [f"a set that was renamed: {bodies} was {before}, is {id_}"] if before != id_[1] else []

    def _look_at(self, id_: Id, paths: Iterable[str]) -> tuple[Bodies, Parts]:
        """What an ID leads to now."""
        name = id_[0].rpartition("/")[2]
        nodes = [node for path in paths if (node := self._truth.node_at(path)) is not None]
        if name in STICKS:
            one = self._truth.owner(nodes[0])
            return ((one.making, one.article.name),), (one.meanings_as_stick(),)
        owners = [self._truth.owner(node) for node in nodes]
        return (
            tuple((one.making, node) for one, node in zip(owners, nodes, strict=True)),
            tuple(one.meanings(part, node) for one, node, part in zip(owners, nodes, PAIRS[name], strict=True)),
        )

    def _judge_sticks(self, resource: str, seen: Seen) -> list[str]:
        must, may = self._truth.whole(resource)
        found = Counter(self._owner(paths) for _, paths in seen.started)
        if more := [one.article.name for one, count in found.items() if count > 1 or one not in must | may]:
            return [f"offered more than once, or in vain: {resource}: {more}"]
        missing, unsure = must - found.keys(), may - found.keys()
        if not len(missing) <= len(seen.refused) <= len(missing) + len(unsure):
            names = [one.article.name for one in missing]
            return [f"there, and not offered: {resource}: {names}; held, and refused: {seen.refused}"]
        return []

    def _judge_pairs(self, resource: str, seen: Seen) -> list[str]:
        faults, spare = [], []
        for part, name in enumerate(PAIRS[resource]):
            must, may = self._truth.offered(name)
            found = Counter(self._truth.node_at(paths[part]) for _, paths in seen.started)
            if more := [node for node, count in found.items() if count > 1 or node not in must | may]:
                faults.append(f"offered more than once, or in vain: {resource}: {more}")
            spare.append(self._spare(part, name, sorted(must - found.keys()), seen))
        if not faults and all(spare):
            faults.append(f"there, and not paired: {spare}; listed besides: {seen.others + seen.refused}")
        return faults

    def _spare(self, part: int, name: str, nodes: Sequence[str], seen: Seen) -> list[str]:
        """Those of these nodes that no pair can have reserved of which a part is away."""
        listed = [*seen.others, *seen.refused]
        reserved = [self._parts[id_][part] for id_ in listed if id_ in self._parts]
        unknown = sum(id_ not in self._parts for id_ in listed)
        spare = [
            node
            for node in nodes
            if not any(self._truth.owner(node).meanings(name, node) & meanings for meanings in reserved)
        ]
        return spare[unknown:]

    def _owner(self, paths: Sequence[str]) -> Plugged:
        node = self._truth.node_at(paths[0])
        assert node is not None
        return self._truth.owner(node)
