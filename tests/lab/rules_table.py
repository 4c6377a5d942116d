r"""Rules to try on a real udevd and on ours: every key, both operators, and what is odd about values.

`rules_file` has udevd mark each device that a rule matches; `compare` asks our rules about the same devices. Rows that
can match only where there is USB are marked: they are asked everywhere, and are worth most in a virtual machine.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyudev

from udev_device_plugin.host.udev.device import UdevDevice
from udev_device_plugin.selectors.udev_rule.rule import Rule

SEEN = "TABLE_SEEN"
LONG = "l" * 400

# What macvtap devices get before the table is asked; in udevd's own spelling.
PROPERTIES = rf"""
SUBSYSTEM=="macvtap", ENV{{T_QUOTES}}="say \"hi\"", ENV{{T_TAB}}=e"a\tb", ENV{{T_ACCENT}}="é", ENV{{T_BACKSLASH}}="a\b"
SUBSYSTEM=="macvtap", ENV{{T_SPACE}}="end ", ENV{{T_BAR}}="a|b", ENV{{T_STAR}}="a*b", ENV{{T_BRACKET}}="a[b]c"
SUBSYSTEM=="macvtap", ENV{{T_PATH}}="/.hidden/x", ENV{{T_LONG}}="{LONG}", ENV{{T_MIXED}}="aB-]^!z", ENV{{T_SINGLE}}="'"
KERNEL=="tap4201", TAG+="second", TAG+="third"
""".strip()

ALIAS = 'My "Gadget" 5\\6  '
"""What the network device above a macvtap device is called: it ends in whitespace, has quotes and a backslash."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rule, as a person would write it."""

    text: str
    needs_usb: bool = False

    @property
    def line(self) -> str:
        """The same for udevd, which takes a newline for the end of the rule."""
        return " ".join(self.text.split("\n")).strip()


def _rows(texts: str, *, needs_usb: bool = False) -> Iterator[Row]:
    return (Row(text, needs_usb) for text in texts.strip("\n").split("\n"))


ROWS = (
    *_rows(r"""
KERNEL=="tap4201"
KERNEL!="tap4201"
KERNEL=="tap42*"
KERNEL=="tap420?"
KERNEL=="tap420??"
KERNEL=="tap420[12]"
KERNEL=="tap420[!12]"
KERNEL=="tap420[^12]"
KERNEL=="tap420[0-1]"
KERNEL=="tap420[1-0]"
KERNEL=="tap42[[:digit:]]1"
KERNEL=="tap42[[:digit:][:alpha:]]1"
KERNEL=="[[:upper:]]*"
KERNEL=="tap4201|loop1420|tty62"
KERNEL=="tap4201|loop*|tty6?"
KERNEL!="tap*|loop*|tty*"
KERNEL==""
KERNEL!=""
KERNEL=="?*"
KERNEL!="?*"
KERNEL=="*"
KERNEL=="|tap4201"
KERNEL=="tap4201|"
KERNEL=="|tap*"
KERNEL=="|"
KERNEL=="TAP4201"
KERNEL=="tap\4201"
KERNEL=="ta\p42*"
KERNEL==e"tap*\\"
KERNEL==e"tap*\\|tap4201"
KERNEL==e"tap\x34201"
KERNEL==e"\164ap4201"
KERNEL=="tap4201 "
KERNEL=="*a*a*4*"
KERNEL=="**a***2**"
KERNEL=="tap4201", KERNEL=="tap42*"
KERNEL=="tap4201", KERNEL!="tap42*"
SUBSYSTEM=="macvtap"
SUBSYSTEM=="macvtap|block"
SUBSYSTEM!="macvtap"
SUBSYSTEM=="mac*"
SUBSYSTEM=="tty|vc|mem|misc"
SUBSYSTEM==""
SUBSYSTEM!=""
SUBSYSTEM=="class"
SUBSYSTEM=="bus"
SUBSYSTEM!="subsystem"
SUBSYSTEM=="class|macvtap"
DRIVER==""
DRIVER!=""
DRIVER=="virtio_blk"
DRIVER!="virtio_blk"
DRIVER=="virtio*"
DRIVER=="?*"
DRIVER=="|virtio_blk"
DEVPATH=="/devices/virtual/*"
DEVPATH=="*/tap4201"
DEVPATH=="/devices/virtual/tty/tty62"
DEVPATH!="/devices/virtual/*"
DEVPATH=="/devices/?irtual/tty/*"
DEVPATH=="/devices*block*"
ATTR{dev}=="4:62"
ATTR{dev}!="4:62"
ATTR{dev}=="?*"
ATTR{dev}==""
ATTR{dev}!=""
ATTR{dev}=="*"
ATTR{dev}=="4:*|7:*"
ATTR{size}=="0"
ATTR{size}!="0"
ATTR{nothing}==""
ATTR{nothing}!=""
ATTR{nothing}=="*"
ATTR{nothing}!="x"
ATTR{nothing}=="?*"
ATTR{nothing}!="?*"
ATTR{queue/rotational}=="[01]"
ATTR{queue/scheduler}=="[[]none]*|none"
ATTR{queue/scheduler}=="\[none\]*|?one"
ATTR{queue/scheduler}=="*[[:space:]]"
ATTR{queue}=="*"
ATTR{subsystem}=="block"
ATTR{subsystem}=="*"
ATTR{driver}=="virtio_blk"
ATTR{device}=="*"
ATTR{device/vendor}=="0x1af4"
ATTR{bdi}=="*"
ATTR{uevent}=="*DEVNAME=tty62*"
ATTR{power/control}=="auto"
ATTR{power/control}!="on"
ENV{ID_BUS}=="usb"
ENV{ID_BUS}!="usb"
ENV{ID_BUS}==""
ENV{ID_BUS}!=""
ENV{ID_BUS}=="?*"
ENV{ID_BUS}!="?*"
ENV{ID_BUS}=="|pci"
ENV{ID_BUS}=="p*|"
ENV{ID_VENDOR_ID}=="0403", ENV{ID_MODEL_ID}=="6001"
ENV{ID_SERIAL_SHORT}=="A1B2C34201"
ENV{ID_SERIAL_SHORT}=="[A-Z]1*4201"
ENV{DEVNAME}=="/dev/tap42*"
ENV{DEVNAME}=="tap42*"
ENV{SUBSYSTEM}=="tty"
ENV{MAJOR}=="4", ENV{MINOR}=="62"
ENV{DRIVER}=="virtio_blk"
ENV{no such}==""
ENV{T_QUOTES}=="say \"hi\""
ENV{T_QUOTES}==e"say \"hi\""
ENV{T_QUOTES}=="say \"*"
ENV{T_SINGLE}=="'"
ENV{T_TAB}==e"a\tb"
ENV{T_TAB}=="a	b"
ENV{T_TAB}=="a\tb"
ENV{T_TAB}=="a[[:space:]]b"
ENV{T_TAB}=="a[[:blank:]]b"
ENV{T_TAB}=="a[[:cntrl:]]b"
ENV{T_ACCENT}=="é"
ENV{T_ACCENT}==e"\u00e9"
ENV{T_ACCENT}==e"\xc3\xa9"
ENV{T_ACCENT}=="?"
ENV{T_ACCENT}=="??"
ENV{T_ACCENT}=="[[:alpha:]]*"
ENV{T_ACCENT}=="*é"
ENV{T_ACCENT}=="[é]?"
ENV{T_BACKSLASH}=="a\b"
ENV{T_BACKSLASH}=="a\b*"
ENV{T_BACKSLASH}=="a\\b*"
ENV{T_BACKSLASH}=="a\\b"
ENV{T_BACKSLASH}==e"a\\b"
ENV{T_BACKSLASH}=="a\b|x*"
ENV{T_SPACE}=="end"
ENV{T_SPACE}=="end "
ENV{T_BAR}=="a|b"
ENV{T_BAR}=="a\|b"
ENV{T_BAR}=="a?b"
ENV{T_STAR}=="a\*b"
ENV{T_STAR}=="a[*]b"
ENV{T_STAR}==e"a\\*b"
ENV{T_BRACKET}=="a\[b\]c"
ENV{T_BRACKET}=="a[[]b]c"
ENV{T_BRACKET}=="a[[]b[]]c"
ENV{T_BRACKET}=="a[b]c"
ENV{T_MIXED}=="a[A-Z]-[]]*z"
ENV{T_MIXED}=="aB[]-][]-]*z"
ENV{T_MIXED}=="aB[!]]*z"
ENV{T_MIXED}=="aB[a-]?[!!]?z"
ENV{T_MIXED}=="aB-][\^][\!]z"
ENV{T_MIXED}=="aB[+--]*"
ENV{T_MIXED}=="[[:lower:]][[:upper:]][[:punct:]]*"
ENV{T_PATH}=="/*"
ENV{T_PATH}=="*/x"
ENV{T_PATH}=="/?hidden/x"
ENV{T_PATH}=="/[.]hidden[/]x"
ENV{T_LONG}=="l*l"
ENV{T_LONG}=="*l*l*l*l*l*l*l*l*m"
TAG=="lab"
TAG!="lab"
TAG=="l*"
TAG!="l*"
TAG=="second"
TAG!="second"
TAG=="second", TAG=="third"
TAG=="?*"
TAG!="?*"
TAG==""
TAG!=""
TAG=="*"
TAG=="nothing|third"
TAG=="once"
TAG!="once"
TAGS=="once"
TAGS!="once"
ENV{TAGS}=="*:once:*"
SYMLINK=="serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C34201-if00-port0"
SYMLINK!="serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C34201-if00-port0"
SYMLINK=="serial/by-path/*"
SYMLINK!="serial/by-path/*"
SYMLINK!="serial/*"
SYMLINK=="serial*"
SYMLINK=="?*"
SYMLINK!="?*"
SYMLINK==""
SYMLINK!=""
SYMLINK=="*"
SYMLINK=="none|serial/by-id/usb-lab_tty62-if00-port0"
KERNELS=="mvt4201"
KERNELS!="mvt4201"
KERNELS=="tap4201"
KERNELS=="virtio*"
KERNELS==""
KERNELS=="0000:00:*"
SUBSYSTEMS=="net"
SUBSYSTEMS!="net"
SUBSYSTEMS=="macvtap"
SUBSYSTEMS=="pci"
SUBSYSTEMS==""
SUBSYSTEMS!=""
SUBSYSTEMS=="class"
SUBSYSTEMS=="?*"
DRIVERS=="virtio_blk"
DRIVERS=="virtio-pci"
DRIVERS!="virtio-pci"
DRIVERS==""
DRIVERS!=""
DRIVERS=="?*"
DRIVERS!="?*"
TAGS=="lab"
TAGS!="lab"
TAGS=="third"
TAGS=="?*"
TAGS!="?*"
TAGS=="t*"
TAGS!="*"
ATTRS{vendor}=="0x1af4"
ATTRS{vendor}!="0x1af4"
ATTRS{vendor}=="?*"
ATTRS{ifindex}=="4201"
ATTRS{ifindex}!="4201"
ATTRS{ifindex}=="42??"
ATTRS{dev}=="4:62"
ATTRS{size}=="0"
ATTRS{nothing}=="*"
ATTRS{nothing}!="x"
ATTRS{ifalias}=="My \"Gadget\" 5\6"
ATTRS{ifalias}=="My \"Gadget\" 5\6  "
ATTRS{ifalias}=="My \"Gadget\" 5\6 "
ATTRS{ifalias}=="My \"Gadget\"*"
ATTRS{ifalias}=="My*5\\6"
ATTRS{ifalias}=="My*5\6"
ATTRS{ifalias}=="My*6[[:space:]]"
ATTRS{ifalias}=="My*6*"
ATTRS{ifalias}=="x |My \"Gadget\" 5\6"
ATTRS{ifalias}=="x |My \"Gadget\" 5\6  "
ATTRS{ifalias}=="x|My \"Gadget\" 5\6"
ATTRS{ifalias}=="*6  "
ATTRS{ifalias}=="*6[ ]"
ATTRS{ifalias}=="*6[ ] "
ATTR{ifalias}=="My*6"
ATTR{ifalias}!="My*6"
ATTR{ifalias}!="My*6 "
ATTR{ifalias}!="*"
ATTRS{ifalias}=="x|My \"Gadget\" 5\6  "
ATTRS{ifalias}==" |My*6"
ATTRS{ifalias}==""
ATTRS{ifalias}!=""
ATTRS{ifalias}=="|"
ATTRS{ifalias}=="|x"
ATTRS{subsystem}=="net"
ATTRS{driver}=="virtio_blk"
KERNELS=="mvt4201", SUBSYSTEMS=="net"
KERNELS=="tap4201", SUBSYSTEMS=="net"
KERNELS=="tap4201", SUBSYSTEMS=="macvtap"
KERNELS=="mvt*", ATTRS{ifindex}=="4202"
SUBSYSTEMS=="pci", ATTRS{vendor}=="0x1af4"
SUBSYSTEMS=="virtio", ATTRS{vendor}=="0x1af4"
SUBSYSTEMS=="virtio", DRIVERS=="virtio_blk"
SUBSYSTEMS=="pci", DRIVERS=="virtio_blk"
SUBSYSTEMS=="pci", DRIVERS=="virtio-pci", KERNELS=="0000:00:0?.0"
SUBSYSTEMS!="block", DRIVERS=="virtio_blk"
SUBSYSTEMS=="net", ATTRS{ifindex}!="4201"
SUBSYSTEMS=="macvtap", TAGS=="third"
SUBSYSTEMS=="net", TAGS!="third"
SUBSYSTEM=="virtio", DRIVER!="", SUBSYSTEMS=="pci", ATTRS{vendor}=="0x1af4", ATTR{device}!="0x"
SUBSYSTEM=="macvtap", KERNEL=="tap*", ATTRS{ifindex}=="4201", ENV{ID_BUS}=="usb", TAG=="lab", SYMLINK=="*by-id*"
"""),
    # How terms may be written and separated.
    *_rows(r"""
KERNEL=="tap4201"SUBSYSTEM=="macvtap"
KERNEL=="tap4201" SUBSYSTEM=="macvtap"
KERNEL=="tap4201",,,	SUBSYSTEM=="macvtap"
KERNEL=="tap4201",SUBSYSTEM=="macvtap",
,KERNEL=="tap4201"
  KERNEL  ==  "tap4201"  ,  SUBSYSTEM	!=	"tty"  ,
ENV{ID_BUS} == "usb"
KERNEL=="tap4201" , ENV{ID_BUS}!="pci"
"""),
    Row('KERNEL=="tap4201"\nSUBSYSTEM=="macvtap"\n'),
    Row('\n  KERNEL=="tap4201",\n  SUBSYSTEM=="macvtap",\n\n'),
    # As they are pasted from `udevadm info -a` for adapters, modems and cameras.
    *_rows(
        r"""
SUBSYSTEM=="tty", ATTRS{idVendor}=="10c4", ATTRS{idProduct}=="ea60"
SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6001"
SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{idProduct}!="6001"
SUBSYSTEM=="tty", ATTRS{idVendor}=="0403|10c4|1a86"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb", DRIVERS=="ftdi_sio"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb-serial"
SUBSYSTEM=="tty", DRIVERS=="usb", ATTRS{serial}=="?*"
SUBSYSTEM=="tty", ATTRS{idVendor}=="0403", ATTRS{bInterfaceNumber}=="00"
SUBSYSTEM=="tty", ATTRS{bInterfaceNumber}=="00"
SUBSYSTEM=="tty", ATTRS{bInterfaceNumber}=="0?", DRIVERS=="ftdi_sio"
SUBSYSTEM=="tty", ATTRS{manufacturer}=="FTDI"
SUBSYSTEM=="tty", ATTRS{product}=="*UART*"
SUBSYSTEM=="tty", ATTRS{bMaxPower}==" 90mA|100mA"
SUBSYSTEM=="tty", ATTRS{version}==" 2.00"
SUBSYSTEM=="tty", KERNELS=="[0-9]-[0-9]*:1.0"
SUBSYSTEM=="tty", ATTR{port_number}=="0"
SUBSYSTEM=="tty", KERNEL=="ttyUSB*", ENV{ID_USB_DRIVER}=="ftdi_sio"
SUBSYSTEM=="tty", KERNEL=="ttyACM*", ENV{ID_USB_INTERFACES}=="*:0202??:*"
SUBSYSTEM=="video4linux", ATTRS{idVendor}=="046d", ATTR{index}=="0"
SUBSYSTEM=="video4linux", ENV{ID_V4L_CAPABILITIES}=="*:capture:*"
SUBSYSTEM=="video4linux", ATTR{name}=="HD Webcam*"
SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="0403"
SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{bDeviceClass}!="09"
SUBSYSTEM=="usb", ATTR{serial}!="A1B2C3"
SUBSYSTEM=="usb", DRIVER=="usb", TAG=="*"
SYMLINK=="serial/by-id/usb-FTDI_*"
SYMLINK=="serial/by-path/*-usb-*"
SYMLINK=="v4l/by-id/*-video-index0"
SYMLINK!="serial/by-id/*", SUBSYSTEM=="tty", ATTRS{idVendor}=="?*"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb", ATTRS{idVendor}=="0403"
SUBSYSTEM=="tty", DRIVERS=="usb", ATTRS{idVendor}=="0403"
SUBSYSTEM=="tty", DRIVERS=="ftdi_sio", ATTRS{idVendor}=="0403"
SUBSYSTEM=="tty", KERNELS=="*:1.0", ATTRS{idProduct}=="6001"
SUBSYSTEM=="tty", KERNELS=="*:1.0", DRIVERS=="cp210x", ATTRS{bInterfaceProtocol}=="00"
SUBSYSTEM=="tty", KERNELS=="*-*", ATTRS{serial}=="?*", ATTRS{idProduct}=="6001"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb-serial", DRIVERS=="cp210x"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb-serial", ATTRS{port_number}=="0"
SUBSYSTEM=="tty", SUBSYSTEMS=="usb-serial", ATTRS{bInterfaceNumber}=="00"
SUBSYSTEM=="tty", SUBSYSTEMS!="usb", ATTRS{idVendor}=="0403"
SUBSYSTEM=="tty", SUBSYSTEMS=="platform", KERNELS=="vhci_hcd.?"
SUBSYSTEM=="tty", DRIVERS!="usb", ATTRS{idVendor}=="?*"
SUBSYSTEM=="tty", ATTRS{serial}!="?*", ATTRS{idVendor}=="1a86"
SUBSYSTEM=="tty", ATTRS{idVendor}!="0403", ATTRS{idProduct}=="?*"
SUBSYSTEM=="tty", ATTRS{product}=="USB Serial", ATTRS{manufacturer}=="*"
SUBSYSTEM=="tty", ENV{ID_VENDOR_ID}=="1a86", ENV{ID_SERIAL_SHORT}!="?*"
SUBSYSTEM=="tty", ENV{ID_MODEL}=="FT232R_USB_UART", ENV{ID_USB_INTERFACE_NUM}=="00"
SUBSYSTEM=="tty", ENV{ID_VENDOR_FROM_DATABASE}=="?*"
SUBSYSTEM=="tty", ENV{ID_PATH}=="platform-vhci_hcd.*-usb-0:*:1.0"
SUBSYSTEM=="tty", TAG=="systemd", ATTRS{idVendor}=="?*"
SUBSYSTEM=="tty", TAGS=="seat"
SUBSYSTEM=="video4linux", TAG=="uaccess"
SUBSYSTEM=="video4linux", SUBSYSTEMS=="usb", DRIVERS=="uvcvideo", ATTRS{bInterfaceClass}=="0e"
SUBSYSTEM=="video4linux", DRIVERS=="uvcvideo", ATTRS{idVendor}=="046d"
SUBSYSTEM=="usb", DRIVER=="cp210x"
SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_interface", ATTRS{bNumConfigurations}=="1"
SUBSYSTEM=="usb", ENV{PRODUCT}=="403/6001/*"
SUBSYSTEM=="usb", ENV{MODALIAS}=="usb:v0403p6001*"
SUBSYSTEM=="usb", ATTR{manufacturer}=="Silicon Labs", ATTR{product}=="CP2102*"
SUBSYSTEMS=="usb", ATTRS{bDeviceClass}=="09", ATTRS{idVendor}=="1d6b"
""",
        needs_usb=True,
    ),
)

REFUSED = tuple(
    _rows(r"""
KERNEL=='tap4201'
KERNEL==tap4201
KERNEL="tap4201", KERNEL=="tap4201"
KERNEL=="tap4201
KERNEL=="tap4201\"
KERNEL=="tap4201", kernel=="tap4201"
KERNEL=="tap4201", BUS=="usb"
KERNEL{x}=="tap4201"
KERNEL=="tap4201", ATTR{dev=="1:3"
KERNEL=="tap4201", ATTR=="1:3"
KERNEL=="tap4201", ATTR{}=="1:3"
KERNEL=="tap4201", ENV{}=="x"
KERNEL==E"tap4201"
KERNEL==e"tap\q4201"
KERNEL==e"tap4201\x0"
KERNEL==e"tap4201\ud800"
KERNEL==ee"tap4201"
KERNEL=="tap4201" # a remark
KERNEL=~"tap4201"
KERNEL
""")
)
"""udevd refuses them, and so do we."""


@dataclass(slots=True)
class Comparison:
    """What came of asking both."""

    pairs: int = 0
    matches: int = 0
    differences: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)
    matched_rows: set[str] = field(default_factory=set)


def rules_file(rows: Sequence[Row]) -> str:
    """What udevd must be told last: it leaves a mark for each rule that matches."""
    marks = (f'{row.line}, ENV{{TABLE_{number}}}="1"' for number, row in enumerate(rows))
    return "\n".join((PROPERTIES, f'ENV{{{SEEN}}}="1"', *marks)) + "\n"


def compare(
    context: pyudev.Context, rows: Sequence[Row], *, meant: Callable[[str], bool] = lambda _: True
) -> Comparison:
    """Asks our rules about every device that udevd has seen, and whose path in sysfs is meant."""
    result = Comparison()
    rules = [(number, row, Rule.parse(row.text)) for number, row in enumerate(rows)]
    for device in filter(lambda device: meant(device.sys_path), _seen(context)):
        result.devices.append(device.sys_path)
        subject = UdevDevice(device)
        for number, row, rule in rules:
            udevs = f"TABLE_{number}" in device.properties
            _count(result, row, device.sys_path, udevs=udevs, ours=rule.matches(subject))
            if (rule.mismatch(subject) is None) != rule.matches(subject):
                result.differences.append(
                    f"{row.text!r} at {device.sys_path}: mismatch() does not agree with matches()"
                )
    return result


def _seen(context: pyudev.Context) -> Iterable[pyudev.Device]:
    return [device for device in context.list_devices() if SEEN in device.properties]


def _count(result: Comparison, row: Row, sys_path: str, *, udevs: bool, ours: bool) -> None:
    result.pairs += 1
    result.matches += udevs
    if udevs:
        result.matched_rows.add(row.text)
    if udevs != ours:
        verdict = "matches in udevd, not here" if udevs else "matches here, not in udevd"
        result.differences.append(f"{row.text!r} {verdict}: {sys_path}")
