"""The origin's own examples, word for word: what its users have in their manifests. Values only.

From the repository squat/generic-device-plugin on GitHub, unless another source is named: the README as it was when
specs had a `type`, and README, manifest and `--help` (config.go) of its later releases, whose specs have a `name`.
"""

# README, the spelling with `type`
VIDEO_FIVE_TIMES = ("--device", '{"type": "video", "count": 5, "paths": ["/dev/video0"]}')
SERIAL_BY_TYPE = ("--device", '{"type": "serial", "paths": ["/dev/ttyUSB*","/dev/ttyACM*"]}')

# README, later: flag and value in one argument, as a shell passes it on
VIDEO = ('--device={"name": "video", "groups": [{"paths": [{"path": "/dev/video0"}]}]}',)

# --help, later
SERIAL = (
    "--device",
    '{"name": "serial", "groups": [{"paths": [{"path": "/dev/ttyUSB*"}]}, {"paths": [{"path": "/dev/ttyACM*"}]}]}',
)
CAPTURE = (
    "--device",
    '{"name": "capture", "groups": [{"paths": [{"path": "/dev/snd/pcmC0D0c"}, {"path": "/dev/snd/controlC0"}]}]}',
)
CH340 = ("--device", '{"name": "ch340", "groups": [{"usb": [{"vendor": "1a86", "product": "7523"}]}]}')
FUSE = ("--device", '{"name": "fuse", "groups": [{"count": 10, "paths": [{"path": "/dev/fuse"}]}]}')
# There it is a group without its resource.
USB_GROUP = (
    '{"usb": [{"vendor": "1209", "product": "000F"}, {"vendor": "1209", "product": "000F", "serial": "00000001"}]}'
)

# README of squat/wavy, which says how to set up the origin's plugin
TTYS = (
    '--device={"name": "tty", "groups": [{"paths": [{"limit": 10, "path": "/dev/tty0"}, {"path": "/dev/tty[1-9]"}]}]}',
)

# manifests/generic-device-plugin.yaml: all arguments of the DaemonSet's container
MANIFEST = (
    "--device",
    """\
name: serial
groups:
  - paths:
      - path: /dev/ttyUSB*
  - paths:
      - path: /dev/ttyACM*
  - paths:
      - path: /dev/tty.usb*
  - paths:
      - path: /dev/cu.*
  - paths:
      - path: /dev/cuaU*
  - paths:
      - path: /dev/rfcomm*
""",
    "--device",
    """\
name: video
groups:
  - paths:
      - path: /dev/video0
""",
    "--device",
    """\
name: fuse
groups:
  - count: 10
    paths:
      - path: /dev/fuse
""",
    "--device",
    """\
name: audio
groups:
  - count: 10
    paths:
      - path: /dev/snd
""",
    "--device",
    """\
name: capture
groups:
  - paths:
      - path: /dev/snd/controlC0
      - path: /dev/snd/pcmC0D0c
  - paths:
      - path: /dev/snd/controlC1
        mountPath: /dev/snd/controlC0
      - path: /dev/snd/pcmC1D0c
        mountPath: /dev/snd/pcmC0D0c
  - paths:
      - path: /dev/snd/controlC2
        mountPath: /dev/snd/controlC0
      - path: /dev/snd/pcmC2D0c
        mountPath: /dev/snd/pcmC0D0c
  - paths:
      - path: /dev/snd/controlC3
        mountPath: /dev/snd/controlC0
      - path: /dev/snd/pcmC3D0c
        mountPath: /dev/snd/pcmC0D0c
""",
)

# Issue 70, a configuration file: numbers without quotes, which the origin reads as decimal ones
CONFIG_FILE = """\
devices:
  - name: rtlsdr
    groups:
      - count: 1
        usb:
          - vendor: 0bda
            product: 2838
"""
DEFAULT_CONFIG_FILE = "generic-device-plugin/config.yaml"
"""Below /etc (config.go)."""

# What is not taken over. The first release's README:
BY_COMMAS = ("--device", "serial,/dev/ttyUSB*,/dev/ttyACM*")
# --help, later, has a count beside groups in its template, which the origin passes over in silence.
COUNT_BESIDE_GROUPS = (
    "--device",
    '{"name": "fuse", "groups": [{"paths": [{"path": "/dev/fuse"}]}], "count": 10}',
)
