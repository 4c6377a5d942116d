"""What `--list-devices` shows beside a real udevd, of nodes that its rules gave links and properties."""

import json

from tests.lab.hotplug import MacvtapSticks
from tests.lab.listing import list_devices
from tests.lab.node import every
from tests.lab.udevd import Udevd


def test_it_shows_what_udevd_made_of_what_was_plugged(sticks: MacvtapSticks, udevd: Udevd) -> None:
    stick, twin, other = (sticks.plug(number) for number in (0, 50, 51))
    udevd.settle()
    rule = 'SUBSYSTEM=="macvtap", ENV{ID_VENDOR_ID}=="0403", ENV{ID_SERIAL_SHORT}=="A1B2C39999"'
    nodeless = 'SUBSYSTEM=="net", KERNEL=="mvt4200"'
    specs = (
        every("/dev/tap42*"),
        json.dumps({"name": "rules", "groups": [{"udev": [rule]}, {"udev": [nodeless]}]}),
    )
    listed = list_devices(*specs)
    assert (listed.code, listed.errors) == (0, "")
    matches = listed.selector("serial")["matches"]
    assert {match["node"]: (match["hostPath"], match["remarks"]) for match in matches} == {
        stick.devnode: (stick.by_id, []),
        twin.devnode: (twin.by_path, [f"twin of tap4251: same by-id link {twin.by_id}"]),
        other.devnode: (other.by_path, [f"twin of tap4250: same by-id link {twin.by_id}"]),
    }
    assert listed.why_not("rules") == {"tap4200": "ENV{ID_SERIAL_SHORT} is A1B2C34200, wanted A1B2C39999"}
    assert listed.why_not("rules", 1) == {"mvt4200": "matches, but has no node, a device of the subsystem net"}


def test_what_udevd_has_not_finished_with_is_told(sticks: MacvtapSticks, udevd: Udevd) -> None:
    with udevd.holding_its_queue():
        stick = sticks.plug(1)
        listed = list_devices(every("/dev/tap42*"))
    assert listed.why_not("serial") == {
        stick.devnode: "udevd has not finished with it:"
        " offered as soon as it has, or in 3 s without what udev would know of it"
    }
    udevd.settle()
    (match,) = list_devices(every("/dev/tap42*")).selector("serial")["matches"]
    assert match["identity"] == stick.by_id
