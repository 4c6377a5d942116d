"""containerd with runc, its images, and what can be done to containers behind the kubelet's back."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Sequence

from tests.lab.kubelet.images import write_image
from tests.lab.kubelet.processes import FOLDER, PATIENCE, ServerProcess, run

SOCKET = f"{FOLDER}/containerd.sock"
CTR = ("ctr", "--address", SOCKET, "--namespace", "k8s.io")
BUSYBOX = "localhost/busybox:1"
PAUSE = "localhost/pause:1"

# restrict_oom_score_adj: a root without CAP_SYS_RESOURCE may not lower it, and no container would start.
CONFIGURATION = f"""
version = 3
root = "{FOLDER}/containerd/root"
state = "{FOLDER}/containerd/state"
[grpc]
  address = "{SOCKET}"
[ttrpc]
  address = "{SOCKET}.ttrpc"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{PAUSE}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
[plugins.'io.containerd.cri.v1.runtime'.cni]
  conf_dir = "{FOLDER}/cni"
"""
# The node is not Ready without a network. No pod uses it: all are on the host's.
NETWORK = '{"cniVersion": "1.0.0", "name": "unused", "plugins": [{"type": "unused"}]}'


class Containerd(ServerProcess):
    """The node's container runtime."""

    def __init__(self) -> None:
        super().__init__("containerd", "--config", f"{FOLDER}/containerd.toml")
        self._numbers = itertools.count(1)
        os.makedirs(f"{FOLDER}/cni", exist_ok=True)
        for name, text in (("containerd.toml", CONFIGURATION), ("cni/unused.conflist", NETWORK)):
            with open(f"{FOLDER}/{name}", "w") as file:
                file.write(text)

    def start(self) -> None:
        super().start()
        self.wait_until(self._answers)
        busybox = shutil.which("busybox")
        assert busybox, "hack/kubelet gives the PATH that has a busybox"
        shell = [(busybox, "bin/busybox"), (busybox, "bin/sh")]
        self.add_image(BUSYBOX, shell, ["/bin/sh"])
        self.add_image(PAUSE, shell, ["/bin/busybox", "sleep", "infinity"])

    def add_image(
        self,
        name: str,
        trees: list[tuple[str, str]],
        entrypoint: list[str],
        environment: Sequence[str] = ("PATH=/bin",),
    ) -> None:
        archive = f"{FOLDER}/image.tar"
        write_image(archive, name, trees, entrypoint, environment)
        _ctr("images", "import", archive)
        os.remove(archive)

    def shell(self, container: str, script: str) -> tuple[int, str]:
        """Exit code of a script in a running container, and all that it says."""
        return self.execute(container, "/bin/sh", "-c", f"exec 2>&1; {script}")

    def execute(self, container: str, *command: str) -> tuple[int, str]:
        """Exit code of a command in a running container, as of `kubectl exec`, and its output."""
        exec_in = ["tasks", "exec", "--exec-id", f"command-{next(self._numbers)}", container]
        done = subprocess.run(
            [*CTR, *exec_in, *command],
            check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=PATIENCE,
        )  # fmt: skip
        return done.returncode, done.stdout

    def number_of(self, container: str, path: str) -> int:
        """The number of a device node, as a running container sees it."""
        status, said = self.shell(container, f"/bin/busybox stat -L -c '%t %T' {path}")
        assert status == 0, said
        major, minor = (int(number, 16) for number in said.split())
        return os.makedev(major, minor)

    def kill_task(self, container: str) -> None:
        """Kill a container's process."""
        _ctr("tasks", "kill", "--signal", "SIGKILL", container)

    def kill_all_tasks(self) -> None:
        """Kill all containers and sandboxes, as a reboot does."""
        for task in _ctr("tasks", "list", "--quiet").split():
            self.kill_task(task)

    def _answers(self) -> bool:
        command = ["ctr", "--address", SOCKET, "version"]
        return (
            subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
        )


def _ctr(*arguments: str) -> str:
    return run([*CTR, *arguments])
