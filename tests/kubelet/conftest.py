"""Tests on a real kubelet, which `hack/kubelet` built. They run as `hack/test kubelet`, in namespaces of their own."""

import shutil
from collections.abc import Generator, Iterator

import pytest

from tests.lab.directories import plugin_directory
from tests.lab.kubelet.cluster import Cluster
from tests.lab.kubelet.containers import Containerd
from tests.lab.kubelet.daemon_set import DaemonSet
from tests.lab.kubelet.node import KubeletProcess
from tests.lab.kubelet.plugin_image import add_plugin_image
from tests.lab.kubelet.pods import StaticPods
from tests.lab.kubelet.processes import ends_of_logs, refuse_outside
from tests.lab.plugged_sticks import all_sticks, sticks
from tests.lab.udevd import Udevd

# Beside an older kubelet there is no API server.
collect_ignore = [] if shutil.which("kube-apiserver") else ["test_cluster.py", "test_daemon_set.py", "test_chart.py"]

__all__ = ["all_sticks", "plugin_directory", "sticks"]  # fixtures: they are known here by their import


def pytest_configure() -> None:
    refuse_outside()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += ends_of_logs()
    return report


@pytest.fixture(scope="session")
def udevd() -> Udevd:
    return Udevd()


@pytest.fixture(scope="session")
def containerd() -> Iterator[Containerd]:
    containerd = Containerd()
    containerd.start()
    yield containerd
    containerd.kill()


@pytest.fixture(scope="module")
def _kubelet(containerd: Containerd) -> Iterator[KubeletProcess]:
    kubelet = KubeletProcess()
    kubelet.start()
    yield kubelet
    kubelet.kill()
    containerd.kill_all_tasks()


@pytest.fixture
def kubelet(_kubelet: KubeletProcess) -> KubeletProcess:
    """A kubelet without a cluster: it runs static pods. It runs, whatever has become of it in another test."""
    if not _kubelet.is_running():
        _kubelet.start()
    return _kubelet


@pytest.fixture
def static_pods(kubelet: KubeletProcess) -> Iterator[StaticPods]:
    """Static pods to add; those still there at the end are removed, and have ended."""
    pods = StaticPods()
    yield pods
    names = pods.clear()
    kubelet.wait_until(lambda: not kubelet.pods().keys() & set(names))


@pytest.fixture(scope="session")
def control_plane() -> Iterator[Cluster]:
    cluster = Cluster()
    cluster.start()
    yield cluster
    cluster.kill()


@pytest.fixture(scope="module")
def _node(control_plane: Cluster, containerd: Containerd) -> Iterator[KubeletProcess]:
    kubelet = KubeletProcess(control_plane.kubeconfig)
    kubelet.start()
    yield kubelet
    kubelet.kill()
    containerd.kill_all_tasks()


@pytest.fixture
def node(_node: KubeletProcess) -> KubeletProcess:
    """The kubelet of the cluster's only node, likewise."""
    if not _node.is_running():
        _node.start()
    return _node


@pytest.fixture
def cluster(control_plane: Cluster, node: KubeletProcess) -> Iterator[Cluster]:
    """The cluster with its node; what a test has created is deleted in the end, and has ended."""
    yield control_plane
    control_plane.delete_created()
    node.wait_until(lambda: not control_plane.pods())


@pytest.fixture(scope="session")
def plugin_image(containerd: Containerd) -> None:
    """The plugin's image, of this checkout, on the node."""
    add_plugin_image(containerd)


@pytest.fixture(scope="module")
def _daemon_set(control_plane: Cluster, _node: KubeletProcess, plugin_image: None) -> Iterator[DaemonSet]:  # noqa: ARG001
    daemon_set = DaemonSet(control_plane)
    daemon_set.create(_node)
    yield daemon_set
    daemon_set.delete(_node)


@pytest.fixture
def daemon_set(_daemon_set: DaemonSet, cluster: Cluster) -> DaemonSet:  # noqa: ARG001 - deletes what the test creates
    """The DaemonSet, whose pod is ready, on the cluster's node."""
    return _daemon_set
