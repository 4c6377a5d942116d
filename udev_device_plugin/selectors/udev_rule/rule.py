"""Rules: the match part of a udev rule, and whether a device matches it as it would in udevd.

Pure, but a rule reads its subject on the caller's thread, which a subject may belong to.

All terms must fit (`terms`). Those of ``KERNELS``, ``SUBSYSTEMS``, ``DRIVERS``, ``TAGS`` and ``ATTRS{}`` must
all fit one and the same device: the subject itself or one of its ancestors.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from udev_device_plugin.selectors.records import Ancestor, Subject
from udev_device_plugin.selectors.udev_rule.parser import parse_terms
from udev_device_plugin.selectors.udev_rule.terms import KEYS, Found, Term

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a device does not match a rule: the first term that does not fit.

    Attributes:
        term: that term.
        found: what the device has for it.
        device: the kernel's name of the device that was read: the subject, or the ancestor that came closest.
        fitted: how many terms fit.
        specific: how many of those are specific.
        terms: how many there are.
        split: where no ancestor fits all terms that one must fit, but several do together: their names, each with the
            terms that it fits.
    """

    term: Term
    found: Found
    device: str
    fitted: int
    specific: int
    terms: int
    split: tuple[tuple[str, tuple[Term, ...]], ...] = ()

    def __str__(self) -> str:
        """For a person: ``ATTRS{idProduct} is ea70, wanted ea60``."""
        if self.split:
            fits = (f"{_shown(name)} fits {', '.join(term.place for term in terms)}" for name, terms in self.split)
            return f"{' and '.join(fits)}, but one device must fit them all"
        wanted = f"wanted {'any but ' if self.term.negated else ''}{_shown(self.term.value.text)}"
        return f"{self.term.place} is {_all_shown(self.found)}, {wanted}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The match part of a udev rule. Two rules are equal if their terms are, however they were written.

    Attributes:
        terms: in the order in which they are tried: the cheap ones first.
    """

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Parse a rule; ``RuleError`` says where and why it cannot be used."""
        return cls(tuple(sorted(parse_terms(text), key=lambda term: KEYS[term.key].cost)))

    def __str__(self) -> str:
        return ", ".join(map(str, self.terms))

    @property
    def subsystems(self) -> frozenset[str] | None:
        """A device that matches is of one of these subsystems; None if it may be of any, or of none."""
        wanted: frozenset[str] | None = None
        for term in self.terms:
            value = term.value
            if term.key != "SUBSYSTEM" or term.negated or not value.is_literal or "" in value.literals:
                continue
            wanted = value.texts if wanted is None else wanted & value.texts
        return wanted

    def matches(self, subject: Subject) -> bool:
        """Whether a device matches; reads no more than it must."""
        own, of_lineage = self._parts()
        return all(term.fits(term.read(subject)) for term in own) and (
            not of_lineage
            or any(all(term.fits(term.read_ancestor(one)) for term in of_lineage) for one in subject.lineage())
        )

    def mismatch(self, subject: Subject) -> Mismatch | None:
        """Return what does not fit, and how much does; None if the device matches. Tries every term."""
        own, of_lineage = self._parts()
        compared = [_Compared(subject, [(term, term.read(subject)) for term in own])]
        split: tuple[tuple[str, tuple[Term, ...]], ...] = ()
        if of_lineage:
            relatives = [
                _Compared(one, [(term, term.read_ancestor(one)) for term in of_lineage]) for one in subject.lineage()
            ]
            closest = max(relatives, key=_Compared.closeness)  # of equals the first, which is the nearest
            if len(compared[0].fitting) == len(own):  # else that is why
                split = _split(closest, relatives)
            compared.append(closest)
        fitting = [term for one in compared for term in one.fitting]
        specific = sum(term.is_specific for term in fitting)
        for one in compared:
            for term, found in one.terms:
                if not term.fits(found):
                    return Mismatch(term, found, one.device.name, len(fitting), specific, len(self.terms), split)
        return None

    def _parts(self) -> tuple[Sequence[Term], Sequence[Term]]:
        own = [term for term in self.terms if not term.is_of_lineage]
        return own, self.terms[len(own) :]


@dataclass(frozen=True, slots=True)
class _Compared:
    """What one device has for each of some terms."""

    device: Ancestor
    terms: Sequence[tuple[Term, Found]]

    @property
    def name(self) -> str:
        """With its subsystem: a parent can be called as its child is."""
        return f"{self.device.name} ({self.device.subsystem})" if self.device.subsystem else self.device.name

    @property
    def fitting(self) -> Sequence[Term]:
        return [term for term, found in self.terms if term.fits(found)]

    def closeness(self) -> tuple[int, int]:
        """Of two ancestors that fit equally many terms, the one that has what is asked for is closer."""
        return len(self.fitting), sum(found is not None for _, found in self.terms)


def _split(closest: _Compared, relatives: Sequence[_Compared]) -> tuple[tuple[str, tuple[Term, ...]], ...]:
    """Return which relatives together fit what the closest does not fit alone; nothing if a term is left."""
    wanted = [term for term, _ in closest.terms if term not in closest.fitting]
    shares = [(closest.name, tuple(closest.fitting))]
    for one in relatives:
        if more := tuple(term for term in one.fitting if term in wanted):
            shares.append((one.name, more))
            wanted = [term for term in wanted if term not in more]
    return tuple(shares) if shares[1:] and not wanted else ()


def _all_shown(found: Found) -> str:
    if found is None:
        return "missing"
    return ", ".join(map(_shown, found[:4])) + (", …" if found[4:] else "") if found else "none"


def _shown(text: str) -> str:
    """Return a short form for one line on a terminal, without control characters."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text[:_SHOWN])
    return (shown + "…" if text[_SHOWN:] else shown) or '""'
