"""Switches that make the embedded kubelet behave badly, in ways that real ones do. Values only."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Misbehaviour:
    """How the kubelet misbehaves from the next registration or call on; a restart does not reset it.

    Attributes:
        mute: registrations are never answered.
        pod_resources_rate_limited: how many of the next calls of ``List`` are refused.
        pod_resources_silent: calls of ``List`` are never answered.
        pod_resources_absent: the next start creates no socket for ``List``.
    """

    mute: bool = False
    pod_resources_rate_limited: int = 0
    pod_resources_silent: bool = False
    pod_resources_absent: bool = False
    _refusals: dict[str, str] = field(default_factory=dict)
    _streamless: set[str] = field(default_factory=set)

    def refuse_registration(self, resource: str, text: str) -> None:
        """Refuse every registration of a resource with this text."""
        self._refusals[resource] = text

    def never_open_stream(self, resource: str) -> None:
        """Accept registrations of a resource, and never call ``ListAndWatch``."""
        self._streamless.add(resource)

    def behave(self) -> None:
        """Behave well again, from the next registration, call and start on."""
        self.mute = self.pod_resources_silent = self.pod_resources_absent = False
        self.pod_resources_rate_limited = 0
        self._refusals.clear()
        self._streamless.clear()

    def refusal(self, resource: str) -> str | None:
        """Return the text to refuse a registration with; None to accept it."""
        return self._refusals.get(resource)

    def limits_rate(self) -> bool:
        """Return whether this call of ``List`` is to be refused, and count it."""
        is_over_limit = self.pod_resources_rate_limited > 0
        self.pod_resources_rate_limited -= is_over_limit
        return is_over_limit

    def opens_no_stream(self, resource: str) -> bool:
        """Whether ``ListAndWatch`` is not to be called."""
        return resource in self._streamless
