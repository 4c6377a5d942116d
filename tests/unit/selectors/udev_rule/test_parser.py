"""Rules are read as udevd reads them, and what is wrong is shown at its character."""

import pytest
from hypothesis import given, strategies as st

from udev_device_plugin.selectors.udev_rule.parser import MAX_RULE, RuleError
from udev_device_plugin.selectors.udev_rule.refusals import doubt
from udev_device_plugin.selectors.udev_rule.rule import Rule


def refusal(text: str) -> RuleError:
    with pytest.raises(RuleError) as caught:
        Rule.parse(text)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        'KERNEL=="a", SUBSYSTEM=="b"',
        'KERNEL=="a"\nSUBSYSTEM=="b"',
        'KERNEL=="a" SUBSYSTEM=="b"',
        'KERNEL=="a"SUBSYSTEM=="b"',
        '\n\t KERNEL  ==\t"a" ,,\r\n SUBSYSTEM =="b" , \n',
        'KERNEL=="a", \\\n  SUBSYSTEM=="b"',
    ],
)
def test_commas_and_white_space_separate_as_they_like(text: str) -> None:
    assert str(Rule.parse(text)) == 'KERNEL=="a", SUBSYSTEM=="b"'


def test_terms_are_tried_in_the_order_of_what_they_cost() -> None:
    text = 'ATTRS{a}=="1", KERNELS=="1", ATTR{b}=="1", ENV{c}=="1", DRIVER=="1", KERNEL=="1"'
    assert str(Rule.parse(text)) == 'KERNEL=="1", DRIVER=="1", ENV{c}=="1", ATTR{b}=="1", KERNELS=="1", ATTRS{a}=="1"'


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (r'"a\"b"', b'a"b'),
        (r'"a\\"', None),
        (r'"a\tb"', rb"a\tb"),
        (r'"a\\\"b"', rb"a\\" + b'"b'),
        (r'e"a\tb\s\"\\\x41\101é\u20ac\U0001f600"', b'a\tb "\\AA' + "é€\U0001f600".encode()),
        (r'e"\xff"', b"\xff"),
    ],
)
def test_quotes_and_escapes_are_udevs(value: str, raw: bytes | None) -> None:
    if raw is None:
        refusal(f"KERNEL=={value}")
    else:
        (term,) = Rule.parse(f"KERNEL=={value}").terms
        assert term.value.raw == raw


REFUSALS = [
    ("", 0, "empty"),
    (" ,\n ", 0, "empty"),
    ('SUBSYSTEM=="tty", SYMLINK+="x"', 25, "+= assigns"),
    ('KERNEL="x"', 6, "= assigns"),
    ('KERNEL:="x"', 6, ":= assigns"),
    ('TAG-="x"', 3, "-= assigns"),
    ('ACTION=="add"', 0, "leave it out"),
    ('SUBSYSTEM=="tty", PROGRAM=="x"', 18, "runs a program"),
    ('MODE="0666"', 0, "permissions:"),
    ('TEST=="x"', 0, "ATTR{}"),
    ('kernel=="x"', 0, "did you mean KERNEL?"),
    ('ATTRIBUTE{x}=="x"', 0, "no key"),
    ('SUBSYTEM=="x"', 0, "did you mean SUBSYSTEM?"),
    ("looking at device '/devices':\n", 0, "headings"),
    ('KERNEL=="a" # remark', 12, "a line of its own"),
    ("# only a remark\n", 0, "empty"),
    ('BUS=="usb"', 0, "write SUBSYSTEMS instead"),
    ('SYSFS{idVendor}=="10c4"', 0, "write ATTRS{…} instead"),
    ('ID=="1-2"', 0, "write KERNELS instead"),
    ('ENV{ACTION}=="add"', 4, "of an event"),
    ('ENV{SEQNUM}!="1"', 4, "of an event"),
    ('ENV{SYNTH_UUID}=="0"', 4, "of an event"),
    ('ENV{.PART}=="1"', 4, "begins with a dot"),
    ('ATTRS{remove}=="(write-only)"', 15, "could not read"),
    ('ATTR{x}!="(not readable)"', 9, "could not read"),
    ("KERNEL==“ttyUSB0”", 8, "“ is a typographic quote"),
    ("KERNEL==»ttyUSB0«", 8, "» is a typographic quote"),
    ('KERNEL=="ttyUSB0”', 8, "” is a typographic quote"),
    ("KERNEL", 6, "== or != is missing"),
    ('KERNEL "x"', 7, "== or != is missing"),
    ("KERNEL==x", 8, "double quotes"),
    ("KERNEL=='x'", 8, "double quotes"),
    ("KERNEL==", 8, "double quotes"),
    ('KERNEL=="x\n"', 8, "not closed"),
    ('KERNEL=="x\\"', 8, "not closed"),
    ('KERNEL==i"x"', 8, "[Aa]"),
    ('KERNEL==x"x"', 8, "prefix x"),
    (r'KERNEL==e"a\q"', 11, "no escape"),
    (r'KERNEL==e"a\x00"', 11, "no character"),
    (r'KERNEL==e"\ufffe"', 10, "no character"),
    (r'KERNEL==e"\udc00"', 10, "no character"),
    (r'KERNEL==e"\U00110000"', 10, "no character"),
    ('KERNEL{x}=="x"', 6, "takes no name"),
    ('ATTR=="x"', 4, "needs a name"),
    ('ATTR{}=="x"', 5, "needs a name"),
    ('ATTR{x=="x"', 4, "not closed"),
    ('ATTR{a\nb}=="x"', 4, "not closed on its line"),
    ('ATTR{a\tb}=="x"', 5, "that can be printed"),
    ('ATTR{/etc/passwd}=="x"', 5, "below its device"),
    ('ATTRS{a/../../b}=="x"', 6, "below its device"),
    ('ATTR{[net/lo]mtu}=="x"', 5, "named in []"),
    ('ATTR{%k}=="x"', 5, "nothing is substituted"),
    ('KERNEL=="a%k"', 10, "[%]"),
    ('KERNEL=="$attr{x}"', 9, "[$]"),
    ('KERNEL=="%s{x}"', 9, "nothing is substituted"),
    ('KERNEL=="tty[0-9"', 12, "not closed"),
    ('KERNEL=="é[a|b]"', 10, "not closed"),
    ('KERNEL=="[[:letter:]]"', 10, "no class"),
    ('KERNEL=="[[.a.]]"', 10, "collating"),
    ('SYMLINK=="/dev/serial/*"', 9, "without /dev/"),
    ('DEVPATH=="/sys/devices/*"', 9, "/sys"),
    ('KERNEL=="a\0"', 10, "U+0000"),
    ('KERNEL=="\udcff"', 9, "U+DCFF"),
    ('KERNEL=="' + "a" * MAX_RULE + '"', MAX_RULE, "longer than"),
]


@pytest.mark.parametrize(("text", "position", "problem"), REFUSALS)
def test_what_cannot_be_used_is_refused_at_its_character(text: str, position: int, problem: str) -> None:
    error = refusal(text)
    assert error.position == position
    assert problem in error.problem
    assert str(error).isprintable()


ALL_AT_ONCE = """\
# pasted from a listing, and from a page
looking at device '/devices/pci0000:00/ttyUSB0':
BUS=="usb", SYSFS{idVendor}="10c4", KERNEL==“ttyUSB0”, MODE="0666"
ACTION=="add", ENV{ACTION}=="add", ATTRS{remove}=="(write-only)"
  ATTRS{idProduct=="ea60"
ATTR{%k}=="tty[0-9" # the second tty, and $attr{x}
SUBSYSTEM=="tty", subsystem=="usb" KERNELS=='1-2', SYMLINK+="$env{x}%k"
"""


def test_all_that_is_wrong_is_told_at_once_and_each_of_it_once() -> None:
    told = [
        (ALL_AT_ONCE[fault.position :].split("\n", maxsplit=1)[0], fault.problem)
        for fault in refusal(ALL_AT_ONCE).faults
    ]
    assert [(rest[:8], problem.split("; ")[0][:34]) for rest, problem in told] == [
        ("looking ", "headings of udevadm info -a cannot"),
        ('BUS=="us', "BUS is a key that udev has given u"),
        ("SYSFS{id", "SYSFS is a key that udev has given"),
        ("“ttyUSB0", "“ is a typographic quote"),
        ('MODE="06', "MODE cannot be used here: it chang"),
        ("ACTION==", "ACTION cannot be used here: it is "),
        ("ACTION}=", "ENV{ACTION} is a property of an ev"),
        ('"(write-', "(write-only) is what udevadm print"),
        ("{idProdu", "the brace is not closed on its lin"),
        ('%k}=="tt', "nothing is substituted in the name"),
        ('[0-9" # ', "the class is not closed before | o"),
        ("# the se", "a remark needs a line of its own ("),
        ("subsyste", "subsystem is no key of a match"),
        ("'1-2', S", "a value must stand in double quote"),
        ('+="$env{', "+= assigns, and this only matches"),
        ("$env{x}%", "$env: nothing is substituted in a "),
        ('%k"', "%k: nothing is substituted in a ma"),
    ]


def test_lines_of_remarks_are_skipped() -> None:
    text = '# the lidar\n SUBSYSTEM=="tty", \\\n  # "its" port, \'left\'\n\n#\nKERNEL=="#a"\n# end'
    assert str(Rule.parse(text)) == 'SUBSYSTEM=="tty", KERNEL=="#a"'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ATTR{urbnum}=="12"', "changes by itself"),
        ('ATTRS{power/runtime_status}=="active"', "changes by itself"),
        ('ATTRS{devnum}!="4"', "changes by itself"),
        ('ENV{USEC_INITIALIZED}=="12345"', "another one after each plug"),
        ('ATTRS{idVendor}=="10c4"', ""),
        ('ATTRS{powered}=="1"', ""),
        ('ENV{ID_SERIAL_SHORT}=="A1"', ""),
    ],
)
def test_what_changes_by_itself_is_doubted(text: str, words: str) -> None:
    (term,) = Rule.parse(text).terms
    found = doubt(term.key, term.name)
    assert words in found
    assert bool(found) == bool(words)


@pytest.mark.parametrize("value", ["100% cotton", "5%", "$5", "%kilo", "a%2Fb", "$attribute"])
def test_a_sign_that_substitutes_nothing_in_udev_either_is_itself(value: str) -> None:
    rule = Rule.parse(f'ENV{{x}}=="{value}"')
    assert rule.terms[0].value.text == value
    assert Rule.parse(str(rule)) == rule


VALUES = st.text('ab*?[]!^-|\\"%$k \té\u20ac', max_size=12)


@given(
    st.lists(st.tuples(st.sampled_from(["KERNEL", "ATTRS{a b}", "ENV{ID_X}", "TAG"]), VALUES), min_size=1, max_size=4)
)
def test_a_rule_written_anew_is_the_same_rule(terms: list[tuple[str, str]]) -> None:
    text = ", ".join(f'{key}==e"' + "".join(f"\\x{byte:02x}" for byte in value.encode()) + '"' for key, value in terms)
    try:
        rule = Rule.parse(text)
    except RuleError:
        return  # a class that is not closed
    assert Rule.parse(str(rule)) == rule
    assert [term.value.raw for term in Rule.parse(str(rule)).terms] == [term.value.raw for term in rule.terms]


@given(st.text() | st.text('KERNL=!"e\\x41[]*|{},+ \n'))
def test_whatever_the_text_it_is_a_rule_or_a_rule_error(text: str) -> None:
    try:
        rule = Rule.parse(text)
    except RuleError as error:
        positions = [fault.position for fault in error.faults]
        assert positions == sorted(positions)
        assert 0 <= positions[0] == error.position <= positions[-1] <= len(text)  # noqa: PT017 - ditto
    else:
        assert rule.terms
