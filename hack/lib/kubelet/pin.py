"""Writes the go.mod that builds programs of Kubernetes from their published modules: `python3 pin.py VERSION PROGRAM…`.

    cd kubernetes-1.36 && python3 ../pin.py v1.36.3 kubelet kube-apiserver && go mod tidy

k8s.io/kubernetes replaces its staging modules by folders of its own repository, and a replacement counts in the main
module only. They are published beside it, as v0.MINOR.PATCH; here each is replaced by that.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

version, programs = sys.argv[1], sys.argv[2:]
command = ["go", "mod", "download", "-json", f"k8s.io/kubernetes@{version}"]
downloaded = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
theirs = Path(downloaded["GoMod"]).read_text()
staging = re.findall(r"^\s*(k8s\.io/\S+) => \./staging", theirs, re.MULTILINE)
published = version.replace("v1.", "v0.", 1)
go = max([*re.findall(r"^go (\S+)", theirs, re.MULTILINE), "1.24.0"])  # the first to know tool lines
lines = [
    "module build.example/kubernetes",
    f"go {go}",
    f"require k8s.io/kubernetes {version}",
    *(f"replace {name} => {name} {published}" for name in staging),
    *(f"tool k8s.io/kubernetes/cmd/{program}" for program in programs),
]
Path("go.mod").write_text("\n\n".join(lines) + "\n")
