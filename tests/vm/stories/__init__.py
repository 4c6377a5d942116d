"""What happens to real devices, each story told once. The dearest first: it is what the others are told beside."""

from tests.vm.machine.stories import Story
from tests.vm.stories import composite, raw, restarts, rules, selectors, sticks

TOGETHER: tuple[Story, ...] = (
    selectors.two_identical_modems_are_two_devices,
    sticks.an_adapter_with_a_loose_contact_ends_as_it_is,
    sticks.twins_without_serial_numbers_that_swap_their_ports_leave_each_port_its_device,
    composite.a_modem_is_four_ttys_and_a_control_node,
    composite.a_hub_that_is_pulled_takes_all_that_is_in_it,
    composite.a_modem_whose_one_driver_lets_go_lacks_that_node_alone_and_is_not_whole,
    composite.a_camera_is_a_node_for_pictures_and_one_for_metadata,
    sticks.an_adapter_without_a_serial_number_is_known_by_its_port,
    sticks.an_ftdi_adapter_is_the_same_in_every_port,
    sticks.a_cp2102_adapter_is_the_same_in_every_port,
    sticks.an_arduino_is_the_same_in_every_port,
    sticks.an_adapter_that_was_pulled_while_it_was_in_use_comes_back_as_another_node_and_the_same_device,
    selectors.a_stick_of_that_make_and_serial_number_is_its_tty,
    selectors.an_interface_of_a_scanner_is_its_hidraw_node_in_every_port,
    raw.a_container_opens_its_own_stick_by_libusb_and_no_other_before_and_after_a_replug,
    raw.a_thing_that_shows_itself_as_another_one_at_the_other_port_of_its_socket_stays_the_same,
    selectors.a_rule_about_the_stick_selects_its_tty,
)
"""Told several at a time."""

IN_THE_END: tuple[Story, ...] = (sticks.nothing_was_listed_besides_what_was_plugged,)
"""Told of what those left behind."""

ALONE: tuple[Story, ...] = (
    restarts.a_plugin_that_starts_anew_while_a_pods_stick_is_out_knows_it,
    restarts.a_kubelet_that_starts_anew_while_a_stick_is_out_is_told_so,
)
"""Told one by one, after all those: they change what all are told with."""

BESIDE: tuple[Story, ...] = (rules.every_rule_about_usb_matches_what_it_matches_in_udevd,)
"""Told beside the ones that are told alone: they do without the kubelet and the plugin."""

STORIES = (*TOGETHER, *IN_THE_END, *ALONE, *BESIDE)
