"""The plugin's pod may do what it must, and nothing else; in every variant."""

import pytest

from tests.lab.kustomize import EXAMPLES, VARIANTS, container, daemonset, documents, mounts, pod

every_variant = pytest.mark.parametrize("variant", VARIANTS)


@every_variant
def test_it_has_neither_privileges_nor_capabilities(variant: str) -> None:
    context = container(variant)["securityContext"]
    assert context["privileged"] is False
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["readOnlyRootFilesystem"] is True
    assert pod(variant)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "seccompProfile" not in context
    assert "procMount" not in context


@every_variant
def test_it_has_no_other_containers(variant: str) -> None:
    assert len(pod(variant)["containers"]) == 1
    assert not {"initContainers", "ephemeralContainers"} & pod(variant).keys()


@every_variant
def test_it_has_no_token_for_the_api_server(variant: str) -> None:
    assert pod(variant)["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod(variant)


@every_variant
def test_it_shares_nothing_with_the_host_but_the_network(variant: str) -> None:
    assert not {"hostPID", "hostIPC", "shareProcessNamespace"} & pod(variant).keys()
    assert pod(variant).get("hostNetwork", False) is (variant != "overlays/no-host-network")


@every_variant
def test_it_is_in_the_hosts_user_namespace(variant: str) -> None:
    """In one of its own no uevents arrive, and its root is not the host's."""
    assert pod(variant).get("hostUsers", True) is True
    assert container(variant)["securityContext"]["runAsUser"] == 0


@every_variant
def test_only_the_plugin_directory_is_writable(variant: str) -> None:
    writable = [mount["mountPath"] for mount, _ in mounts(variant) if not mount.get("readOnly")]
    assert len(writable) == 1
    assert writable[0].endswith("/device-plugins")


@every_variant
def test_all_that_it_sees_of_the_host_is_under_the_hosts_own_path(variant: str) -> None:
    host = {volume["hostPath"]["path"]: mount["mountPath"] for mount, volume in mounts(variant) if "hostPath" in volume}
    assert all(inside == outside for outside, inside in host.items())
    kubelets = set(host) - {"/dev", "/run/udev"}
    assert len(host) == 4
    assert {path.rpartition("/kubelet/")[2] for path in kubelets} == {"device-plugins", "pod-resources"}


@every_variant
def test_no_volume_is_left_over(variant: str) -> None:
    assert len(pod(variant)["volumes"]) == len(list(mounts(variant)))


@every_variant
def test_its_last_words_are_not_written_into_a_read_only_directory(variant: str) -> None:
    path = container(variant)["terminationMessagePath"]
    assert not any(path.startswith(mount["mountPath"] + "/") for mount, _ in mounts(variant))


@every_variant
def test_two_never_run_on_one_node(variant: str) -> None:
    assert daemonset(variant)["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"] == 0


@every_variant
def test_it_comes_first_and_everywhere(variant: str) -> None:
    assert pod(variant)["priorityClassName"] == "system-node-critical"
    assert pod(variant)["tolerations"] == [{"operator": "Exists"}]
    assert pod(variant)["nodeSelector"] == {"kubernetes.io/os": "linux"}


@every_variant
def test_its_memory_is_limited_and_its_cpu_time_is_not(variant: str) -> None:
    assert container(variant)["resources"]["limits"].keys() == {"memory"}
    assert container(variant)["resources"]["requests"].keys() == {"cpu", "memory"}


def test_selinux_hosts_get_the_type_of_device_plugins() -> None:
    context = container("overlays/selinux")["securityContext"]
    assert context["seLinuxOptions"] == {"type": "container_device_plugin_t"}


@pytest.mark.parametrize("example", EXAMPLES)
def test_no_example_is_privileged_or_mounts_from_the_host(example: str) -> None:
    for resource in documents("examples", example):
        if resource["kind"] == "ConfigMap":
            continue
        spec = resource["spec"]["template"]["spec"] if resource["kind"] == "Deployment" else resource["spec"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert not any("hostPath" in volume for volume in spec.get("volumes", ()))
        for one in spec["containers"]:
            assert one.get("securityContext", {}).get("privileged", False) is False
            assert any(name.startswith("squat.ai/") for name in one["resources"]["limits"])
