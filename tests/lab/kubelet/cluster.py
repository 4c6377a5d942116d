"""A cluster on loopback: etcd, API server, scheduler and controller manager; its API by plain HTTPS."""

import contextlib
import http.client
import json
import os
import ssl
from collections.abc import Callable
from typing import Any

from tests.lab.kubelet.node import NAME, is_running
from tests.lab.kubelet.processes import FOLDER, PATIENCE, ServerProcess, eventually, run

PORT = 6443
TOKEN = "lab"
ETCD = "http://127.0.0.1:12379"
ETCD_PEERS = "http://127.0.0.1:12380"
PLURALS = {"Pod": "pods", "Deployment": "deployments", "DaemonSet": "daemonsets", "ConfigMap": "configmaps"}
Object = dict[str, Any]


class Cluster:
    """The control plane; it ends with the lab, killed: an API server takes a minute to end in order."""

    def __init__(self) -> None:
        self.kubeconfig = f"{FOLDER}/kubeconfig"
        self._created: list[tuple[str, str]] = []
        self._write_secrets()
        key = f"{FOLDER}/service-accounts"
        controller = [
            "--kubeconfig",
            self.kubeconfig,
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
        ]
        self._etcd = ServerProcess(
            "etcd", "--data-dir", f"{FOLDER}/etcd", "--unsafe-no-fsync",
            "--listen-client-urls", ETCD, "--advertise-client-urls", ETCD,
            "--listen-peer-urls", ETCD_PEERS, "--initial-advertise-peer-urls", ETCD_PEERS,
            "--initial-cluster", f"default={ETCD_PEERS}",
        )  # fmt: skip
        self._api_server = ServerProcess(
            "kube-apiserver", "--etcd-servers", ETCD, "--secure-port", str(PORT), "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1", "--cert-dir", f"{FOLDER}/api-certificates",
            "--service-account-key-file", f"{key}.pub", "--service-account-signing-key-file", f"{key}.key",
            "--service-account-issuer=https://lab", "--token-auth-file", f"{FOLDER}/tokens.csv",
            "--authorization-mode=AlwaysAllow", "--disable-admission-plugins=ServiceAccount",
            "--service-cluster-ip-range=10.96.0.0/16", "--endpoint-reconciler-type=none", "--allow-privileged",
        )  # fmt: skip
        self._controllers = [
            ServerProcess("kube-scheduler", *controller),
            ServerProcess("kube-controller-manager", *controller, "--service-account-private-key-file", f"{key}.key"),
        ]

    def start(self) -> None:
        self._etcd.start()
        self._api_server.start()
        self._api_server.wait_until(lambda: self.request("GET", "/readyz") == "ok")
        for controller in self._controllers:
            controller.start()

    def kill(self) -> None:
        for process in (*self._controllers, self._api_server, self._etcd):
            process.kill()

    def request(self, method: str, path: str, body: Object | None = None, kind: str = "application/json") -> Any:
        """An answer of the API: an object, or the text if it is none."""
        connection = http.client.HTTPSConnection(
            "127.0.0.1", PORT, timeout=PATIENCE, context=ssl._create_unverified_context()
        )
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind}
            connection.request(method, path, json.dumps(body) if body else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise OSError(f"{method} {path}: {response.status} {text}")
        return json.loads(text) if text.startswith("{") else text

    def create(self, thing: Object) -> None:
        path = collection(thing["kind"], thing["metadata"]["namespace"])
        self.request("POST", path, thing)
        self._created.append((path, thing["metadata"]["name"]))

    def patch(self, kind: str, name: str, change: Object, *, namespace: str = "default") -> None:
        self.request("PATCH", f"{collection(kind, namespace)}/{name}", change, "application/strategic-merge-patch+json")

    def label_node(self, key: str, value: str) -> None:
        change = {"metadata": {"labels": {key: value}}}
        self.request("PATCH", f"/api/v1/nodes/{NAME}", change, "application/merge-patch+json")

    def delete_created(self, *, namespace: str = "default") -> None:
        """Delete what was created here, and with it what controllers have made of it."""
        for path, name in [*self._created]:
            if f"/namespaces/{namespace}/" in path:
                self.request("DELETE", f"{path}/{name}?propagationPolicy=Background")
                self._created.remove((path, name))

    def pods(self, *, namespace: str = "default") -> dict[str, Object]:
        """All pods, by name."""
        items = self.request("GET", collection("Pod", namespace))["items"]
        return {pod["metadata"]["name"]: pod for pod in items}

    def node(self) -> Object:
        """The node's status."""
        status: Object = self.request("GET", f"/api/v1/nodes/{NAME}")["status"]
        return status

    def counts(self, resource: str) -> tuple[str | None, str | None]:
        """How many devices the node's status says to be allocatable, and its capacity."""
        status = self.node()
        return status["allocatable"].get(resource), status["capacity"].get(resource)

    async def wait_for_devices(self, resource: str, allocatable: int, capacity: int | None = None) -> None:
        """Wait until the node's status says so; of what is not healthy, capacity alone tells."""
        wanted = (str(allocatable), str(allocatable if capacity is None else capacity))
        what = f"the node has {resource}: {wanted}"
        await eventually(lambda: self.counts(resource), lambda found: found == wanted, what)

    async def wait_for_pod(
        self,
        prefix: str,
        is_it: Callable[[Object], bool] = is_running,
        *,
        what: str = "runs",
        namespace: str = "default",
    ) -> Object:
        """The first pod of such a name that is it."""

        def found(pods: dict[str, Object]) -> list[Object]:
            return [pod for name, pod in pods.items() if name.startswith(prefix) and is_it(pod)]

        def asked() -> dict[str, Object]:
            return self.pods(namespace=namespace)

        return found(await eventually(asked, lambda pods: bool(found(pods)), f"a pod {prefix}… {what}"))[0]

    def _write_secrets(self) -> None:
        os.makedirs(FOLDER, exist_ok=True)
        key = f"{FOLDER}/service-accounts"
        run(["openssl", "genrsa", "-out", f"{key}.key", "2048"])
        run(["openssl", "rsa", "-in", f"{key}.key", "-pubout", "-out", f"{key}.pub"])
        with open(f"{FOLDER}/tokens.csv", "w") as file:
            file.write(f'{TOKEN},admin,admin,"system:masters"\n')
        server = {"server": f"https://127.0.0.1:{PORT}", "insecure-skip-tls-verify": True}
        kubeconfig = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": server}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
            "current-context": "lab",
        }
        with open(self.kubeconfig, "w") as file:
            json.dump(kubeconfig, file)


def collection(kind: str, namespace: str) -> str:
    """Where objects of a kind are in the API."""
    group = "/apis/apps/v1" if kind in {"Deployment", "DaemonSet"} else "/api/v1"
    return f"{group}/namespaces/{namespace}/{PLURALS[kind]}"
