"""While its HTTP port is attacked, the plugin answers each probe and lists each plug. How fast: `hack/attack`."""

import pytest

from tests.lab.attacks import ATTACKS, target

PEAK = 100 << 20  # bytes; the manifest's limit is 128 MiB


@pytest.mark.timeout(300)
async def test_no_attack_keeps_probes_and_plugs_from_being_answered() -> None:
    async with target(devices=300) as it:
        for attack in ATTACKS:
            seen = await it.seen(attack, probes=5, plugs=1)
            assert (attack, seen.answered, len(seen.plugs)) == (attack, 5, 1)
            assert seen.peak < PEAK, attack
            assert it.plugin.is_running(), attack
        levels = {line.fields["level"] for line in it.plugin.log}
        assert levels <= {"info", "warn"}
        assert any("connections are open" in line.message for line in it.plugin.log)
