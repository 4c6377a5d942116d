"""Rules: the match part of a udev rule, and whether a device matches it as it would in udevd.

Pure. A rule itself may be used on any thread; it touches its subject only on the caller's.

All terms must fit (``terms``). Those of ``KERNELS``, ``SUBSYSTEMS``, ``DRIVERS``, ``TAGS`` and ``ATTRS{}`` must
all fit one and the same device: the subject itself or one of its ancestors.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from udev_device_plugin.selectors.udev_rule.parser import parse_terms
from udev_device_plugin.selectors.udev_rule.terms import KEYS, Found, Relative, Subject, Term

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why a device does not match a rule: the first term that does not fit.

    Attributes:
        term: that term.
        found: what the device has there; None for an attribute that is not there.
        device: the name of the device that was looked at: the subject, or the ancestor that came closest.
        fitted: how many terms fit.
        telling: how many of those tell more than the subsystem.
        terms: how many there are.
    """

    term: Term
    found: Found
    device: str
    fitted: int
    telling: int
    terms: int

    def __str__(self) -> str:
        """For a person: ``ATTRS{idProduct} is ea70, wanted ea60``."""
        wanted = f"wanted {'any but ' if self.term.negated else ''}{_shown(self.term.value.text)}"
        return f"{self.term.place} is {_all_shown(self.found)}, {wanted}"


@dataclass(frozen=True, slots=True)
class Rule:
    """The match part of a udev rule. Two rules are equal if their terms are, however they were written.

    Attributes:
        text: as written.
        terms: in the order in which they are tried: the cheap ones first.
    """

    text: str = field(compare=False)
    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read a rule; ``RuleError`` tells where and why it cannot be used."""
        return cls(text, tuple(sorted(parse_terms(text), key=lambda term: KEYS[term.key].cost)))

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
        """Whether a device matches; looks no further than it must."""
        own, of_lineage = self._parts()
        return all(term.fits(term.look(subject)) for term in own) and (
            not of_lineage or any(_fits_all(of_lineage, relative) for relative in subject.lineage())
        )

    def mismatch(self, subject: Subject) -> Mismatch | None:
        """What does not fit, and how much does; None if the device matches. Looks at every term."""
        own, of_lineage = self._parts()
        looked = _Look(subject.name, tuple((term, term.look(subject)) for term in own))
        closest = max(_looks(of_lineage, subject.lineage()), key=_Look.closeness) if of_lineage else _Look("", ())
        fitting = [*looked.fitting, *closest.fitting]
        telling = sum(term.is_telling for term in fitting)
        for look in (looked, closest):
            for term, found in look.terms:
                if not term.fits(found):
                    return Mismatch(term, found, look.device, len(fitting), telling, len(self.terms))
        return None

    def _parts(self) -> "tuple[Sequence[Term], Sequence[Term]]":
        own = [term for term in self.terms if not term.is_of_lineage]
        return own, self.terms[len(own) :]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one device has where terms look."""

    device: str
    terms: "tuple[tuple[Term, Found], ...]"

    @property
    def fitting(self) -> Sequence[Term]:
        return [term for term, found in self.terms if term.fits(found)]

    def closeness(self) -> tuple[int, int]:
        """Of two ancestors that fit equally few terms, the one that has what is asked for tells more."""
        return len(self.fitting), sum(found is not None for _, found in self.terms)


def _fits_all(terms: Sequence[Term], relative: Relative) -> bool:
    return all(term.fits(term.look_at_relative(relative)) for term in terms)


def _looks(terms: Sequence[Term], lineage: Iterable[Relative]) -> Iterable[_Look]:
    """Never empty, and nearest first, which is what ``max`` takes among equals."""
    for relative in lineage:
        yield _Look(relative.name, tuple((term, term.look_at_relative(relative)) for term in terms))


def _all_shown(found: Found) -> str:
    if found is None:
        return "missing"
    return ", ".join(map(_shown, found[:4])) + (", …" if found[4:] else "") if found else "none"


def _shown(text: str) -> str:
    """A text of a device or a rule, for a line of ours: short, and nothing that a terminal would obey."""
    shown = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text[:_SHOWN])
    return (shown + "…" if text[_SHOWN:] else shown) or '""'
