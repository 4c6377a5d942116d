"""USB devices to plug, in the virtual machine of `hack/lib/in-vm`: real host controllers, drivers, udevd and rules.

Three ways to have them, each for what the others cannot: devices of any make, played over USB/IP (`usbip`, `models`);
QEMU's own, behind a real hub (`qemu`); the kernel's gadgets (`gadget`). What is told with them, and how pytest hears of
it: `stories`, `telling`, `verdicts`.
"""
