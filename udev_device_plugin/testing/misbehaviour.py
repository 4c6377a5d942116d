"""Switches that make the embedded kubelet behave badly, in ways that real ones do. Values only."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Misbehaviour:
    """How the kubelet goes wrong; looked at when a plugin registers, so set it before. It outlives restarts.

    Attributes:
        mute: registrations are never answered.
    """

    mute: bool = False
    _refusals: dict[str, str] = field(default_factory=dict)
    _streamless: set[str] = field(default_factory=set)

    def refuse_registration(self, resource: str, text: str) -> None:
        """Turn away every registration of a resource with this text."""
        self._refusals[resource] = text

    def never_open_stream(self, resource: str) -> None:
        """Accept registrations of a resource, and never call ``ListAndWatch``."""
        self._streamless.add(resource)

    def behave(self) -> None:
        """Be good again, to registrations from now on."""
        self.mute = False
        self._refusals.clear()
        self._streamless.clear()

    def refusal(self, resource: str) -> str | None:
        """The text to turn a registration away with, if it is to be."""
        return self._refusals.get(resource)

    def opens_no_stream(self, resource: str) -> bool:
        """Whether ``ListAndWatch`` is not to be called."""
        return resource in self._streamless
