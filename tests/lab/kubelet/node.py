"""The kubelet, alone with static pods or as the node of a cluster; a kill and a start are its restart."""

import contextlib
import http.client
import json
import os
import re
import socket
import ssl
from typing import Any

from tests.lab.kubelet.containers import SOCKET as RUNTIME
from tests.lab.kubelet.processes import FOLDER, PATIENCE, ServerProcess, eventually

NAME = "lab"
PLUGIN_DIRECTORY = "/var/lib/kubelet/device-plugins"
SOCKET = f"{PLUGIN_DIRECTORY}/kubelet.sock"
CHECKPOINT = "kubelet_internal_checkpoint"
STATIC_PODS = f"{FOLDER}/static-pods"
PORT = 10250

CONFIGURATION: dict[str, Any] = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "address": "127.0.0.1",
    "port": PORT,
    "healthzPort": 0,
    "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
    "authorization": {"mode": "AlwaysAllow"},
    "staticPodPath": STATIC_PODS,
    "containerRuntimeEndpoint": f"unix://{RUNTIME}",
    "cgroupDriver": "cgroupfs",
    "cgroupRoot": "/" + os.environ.get("KUBELET_CGROUP", ""),
    "enforceNodeAllocatable": [],
    "failSwapOn": False,
    # The machine's disk may be full for all that the tests care.
    "evictionHard": {
        **{f"{name}.available": "0%" for name in ("memory", "nodefs", "imagefs")},
        **{f"{name}.inodesFree": "0%" for name in ("nodefs", "imagefs")},
    },
    "imageGCHighThresholdPercent": 100,
    "imageGCLowThresholdPercent": 99,
    "localStorageCapacityIsolation": False,
    "nodeStatusUpdateFrequency": "1s",  # not 10: tests wait for it
    "featureGates": {"ResourceHealthStatus": True},
    "logging": {"verbosity": 2},
}
LIST = re.compile(r' ([\d:.]+) .*"Processed device updates for resource" resourceName="(\S+)".* healthyCount=(\d+)')
"""What the log says of each list: the time of day, the resource, how many devices are healthy."""
SINCE_1_31 = {"failCgroupV1": False}
SINCE_1_35 = {"crashLoopBackOff": {"maxContainerRestartPeriod": "1s"}}  # not 5 minutes


class KubeletProcess(ServerProcess):
    """The node's kubelet; with a kubeconfig it registers the node `lab` in that cluster.

    `settings` are fields of its configuration that are to be others than the tests'.
    """

    def __init__(self, kubeconfig: str | None = None, **settings: object) -> None:
        configuration = f"{FOLDER}/kubelet.json"
        arguments = [
            "--config",
            configuration,
            "--hostname-override",
            NAME,
            "--cert-dir",
            f"{FOLDER}/kubelet-certificates",
        ]
        if kubeconfig:
            arguments += ["--kubeconfig", kubeconfig]
        super().__init__("kubelet", *arguments)
        self._former_checkpoint: tuple[int, int] | None = None
        os.makedirs(STATIC_PODS, exist_ok=True)
        version = kubernetes_version()
        with open(configuration, "w") as file:
            json.dump(
                {
                    **CONFIGURATION,
                    **(SINCE_1_31 if version >= (1, 31) else {}),
                    **(SINCE_1_35 if version >= (1, 35) else {}),
                    **({"featureGates": {}} if version < (1, 31) else {}),
                    "registerNode": bool(kubeconfig),
                    **settings,
                },
                file,
            )

    def start(self) -> None:
        self.start_alone()
        self.wait_until(self._answers)

    def start_alone(self) -> None:
        """Start it without waiting until it answers."""
        self._former_checkpoint = None
        with contextlib.suppress(FileNotFoundError):
            self._former_checkpoint = _identity(f"{PLUGIN_DIRECTORY}/{CHECKPOINT}")
        self._log_before = os.path.getsize(self.log_file) if os.path.exists(self.log_file) else 0
        super().start()

    def restart(self) -> None:
        self.kill()
        self.start()

    def _answers(self) -> bool:
        # Where something fails that may go well later, it ends, and relies on being started again, as systemd does it.
        # A machine with much else on it is short of inotify instances at times: all of root's are counted together.
        if not self.is_running():
            self.start_alone()
        return self.get("/healthz") == b"ok" and accepts(SOCKET)

    def get(self, path: str) -> bytes:
        """One of its pages."""
        # It makes its own certificate, and nobody else is on this loopback.
        connection = http.client.HTTPSConnection(
            "127.0.0.1", PORT, timeout=PATIENCE, context=ssl._create_unverified_context()
        )
        with contextlib.closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise OSError(f"{path}: {response.status} {body.decode(errors='replace')}")
        return body

    def pods(self) -> dict[str, dict[str, Any]]:
        """The pods that it runs, by name; a static pod's without the node's."""
        items = json.loads(self.get("/pods")).get("items") or []
        return {pod["metadata"]["name"].removesuffix(f"-{NAME}"): pod for pod in items}

    async def wait_for_pod(self, name: str) -> dict[str, Any]:
        """The pod, as soon as its container runs."""

        def runs(pods: dict[str, dict[str, Any]]) -> bool:
            return name in pods and is_running(pods[name])

        return (await eventually(self.pods, runs, f"{name} runs"))[name]

    def listed(self, resource: str) -> list[str]:
        """The healthy devices of a resource."""
        return self.registered().get(resource, [])

    def registered(self) -> dict[str, list[str]]:
        """The healthy devices of all resources: it writes them down with each list that it gets. Since its start."""
        try:
            with open(f"{PLUGIN_DIRECTORY}/{CHECKPOINT}") as file:
                if _identity(file.fileno()) == self._former_checkpoint:
                    return {}
                registered: dict[str, list[str] | None] = json.load(file)["Data"]["RegisteredDevices"] or {}
        except FileNotFoundError:
            return {}
        return {resource: devices or [] for resource, devices in registered.items()}

    def counts(self) -> dict[str, int]:
        """How many healthy devices each resource has had in the last list, since the kubelet's start.

        By its log, not by its checkpoint: of lists that come at one time, it may write an earlier state last.
        """
        with open(self.log_file) as file:
            file.seek(self._log_before)
            return {resource: int(count) for _, resource, count in LIST.findall(file.read())}

    async def wait_for_devices(self, resource: str, count: int) -> None:
        def asked() -> int:
            return self.counts().get(resource, 0)

        await eventually(asked, lambda found: found == count, f"{resource} has {count} devices")


def _identity(file: str | int) -> tuple[int, int]:
    """What another file of the same name does not have."""
    status = os.stat(file)
    return status.st_ino, status.st_mtime_ns


def accepts(path: str) -> bool:
    """Whether somebody listens to this socket; one that a killed kubelet left behind is refused."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
    return True


def is_running(pod: dict[str, Any]) -> bool:
    """Whether a pod's only container runs, and nobody has asked for its end."""
    states = [container["state"] for container in pod["status"].get("containerStatuses") or []]
    return "deletionTimestamp" not in pod["metadata"] and bool(states) and "running" in states[0]


def container_of(pod: dict[str, Any]) -> str:
    """The ID of a pod's only container."""
    return str(pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://"))


def kubernetes_version() -> tuple[int, int]:
    """Which kubelet this is: (1, 36)."""
    major, minor = os.environ["KUBERNETES"].split(".")
    return int(major), int(minor)
