"""The stubs: what protos/ says, in date, and exactly the contract that kubelets speak."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

from udev_device_plugin.kubelet.api.podresources.v1 import (
    api_pb2 as pod_resources_pb2,
    api_pb2_grpc as pod_resources_pb2_grpc,
)
from udev_device_plugin.kubelet.api.v1beta1 import api_pb2, api_pb2_grpc

GENERATE_STUBS = Path(__file__).resolve().parents[4] / "hack" / "generate-stubs"


@dataclass(frozen=True, slots=True)
class Method:
    path: str
    kind: str
    request: str
    response: str


@dataclass(frozen=True, slots=True)
class Contract:
    """What kubelets speak, and the stubs that must say the same."""

    package: str
    messages: dict[str, list[str]]
    methods: list[Method]
    descriptor: FileDescriptor
    stubs: list[type]


DEVICE_PLUGIN = Contract(
    package="v1beta1",
    messages={
        "DevicePluginOptions": ["1 pre_start_required bool", "2 get_preferred_allocation_available bool"],
        "RegisterRequest": [
            "1 version string",
            "2 endpoint string",
            "3 resource_name string",
            "4 options DevicePluginOptions",
        ],
        "Empty": [],
        "ListAndWatchResponse": ["1 devices repeated Device"],
        "NUMANode": ["1 ID int64"],
        "TopologyInfo": ["1 nodes repeated NUMANode"],
        "Device": ["1 ID string", "2 health string", "3 topology TopologyInfo"],
        "PreStartContainerRequest": ["1 devices_ids repeated string"],
        "PreStartContainerResponse": [],
        "PreferredAllocationRequest": ["1 container_requests repeated ContainerPreferredAllocationRequest"],
        "ContainerPreferredAllocationRequest": [
            "1 available_deviceIDs repeated string",
            "2 must_include_deviceIDs repeated string",
            "3 allocation_size int32",
        ],
        "PreferredAllocationResponse": ["1 container_responses repeated ContainerPreferredAllocationResponse"],
        "ContainerPreferredAllocationResponse": ["1 deviceIDs repeated string"],
        "AllocateRequest": ["1 container_requests repeated ContainerAllocateRequest"],
        "ContainerAllocateRequest": ["1 devices_ids repeated string"],
        "AllocateResponse": ["1 container_responses repeated ContainerAllocateResponse"],
        "ContainerAllocateResponse": [
            "1 envs map<string,string>",
            "2 mounts repeated Mount",
            "3 devices repeated DeviceSpec",
            "4 annotations map<string,string>",
            "5 cdi_devices repeated CDIDevice",
        ],
        "CDIDevice": ["1 name string"],
        "Mount": ["1 container_path string", "2 host_path string", "3 read_only bool"],
        "DeviceSpec": ["1 container_path string", "2 host_path string", "3 permissions string"],
    },
    methods=[
        Method("/v1beta1.Registration/Register", "unary_unary", "RegisterRequest", "Empty"),
        Method("/v1beta1.DevicePlugin/GetDevicePluginOptions", "unary_unary", "Empty", "DevicePluginOptions"),
        Method("/v1beta1.DevicePlugin/ListAndWatch", "unary_stream", "Empty", "ListAndWatchResponse"),
        Method(
            "/v1beta1.DevicePlugin/GetPreferredAllocation",
            "unary_unary",
            "PreferredAllocationRequest",
            "PreferredAllocationResponse",
        ),
        Method("/v1beta1.DevicePlugin/Allocate", "unary_unary", "AllocateRequest", "AllocateResponse"),
        Method(
            "/v1beta1.DevicePlugin/PreStartContainer",
            "unary_unary",
            "PreStartContainerRequest",
            "PreStartContainerResponse",
        ),
    ],
    descriptor=api_pb2.DESCRIPTOR,
    stubs=[api_pb2_grpc.RegistrationStub, api_pb2_grpc.DevicePluginStub],
)

POD_RESOURCES = Contract(
    package="v1",
    messages={
        "ListPodResourcesRequest": [],
        "ListPodResourcesResponse": ["1 pod_resources repeated PodResources"],
        "PodResources": ["1 name string", "2 namespace string", "3 containers repeated ContainerResources"],
        "ContainerResources": ["1 name string", "2 devices repeated ContainerDevices"],
        "ContainerDevices": ["1 resource_name string", "2 device_ids repeated string"],
    },
    methods=[
        Method("/v1.PodResourcesLister/List", "unary_unary", "ListPodResourcesRequest", "ListPodResourcesResponse")
    ],
    descriptor=pod_resources_pb2.DESCRIPTOR,
    stubs=[pod_resources_pb2_grpc.PodResourcesListerStub],
)

CONTRACTS = [
    pytest.param(DEVICE_PLUGIN, id="the device-plugin API"),
    pytest.param(POD_RESOURCES, id="the pod-resources API"),
]


def test_the_committed_stubs_are_what_the_pinned_generator_makes_of_the_protos() -> None:
    command = [sys.executable, str(GENERATE_STUBS), "--check"]
    outcome = subprocess.run(command, check=False, capture_output=True, text=True)

    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_package_is_the_one_that_method_paths_are_built_from(contract: Contract) -> None:
    assert contract.descriptor.package == contract.package


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_messages_are_those_of_the_contract_with_its_numbers_names_and_types_of_fields(contract: Contract) -> None:
    proto = FileDescriptorProto()
    contract.descriptor.CopyToProto(proto)

    fields = {message.name: [spelt(field, message) for field in message.field] for message in proto.message_type}
    assert fields == contract.messages


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_services_and_their_methods_are_those_of_the_contract_with_its_messages(contract: Contract) -> None:
    methods = {
        f"/{service.full_name}/{method.name}": (method.input_type.name, method.output_type.name)
        for service in contract.descriptor.services_by_name.values()
        for method in service.methods
    }

    assert methods == {method.path: (method.request, method.response) for method in contract.methods}


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_client_calls_the_methods_of_the_contract_by_their_paths_and_kinds(contract: Contract) -> None:
    channel = NotingChannel()
    for stub in contract.stubs:
        stub(channel)

    assert channel.methods == [(method.path, method.kind) for method in contract.methods]


class NotingChannel:
    """Notes which methods a stub prepares, and connects to nothing."""

    def __init__(self) -> None:
        self.methods: list[tuple[str, str]] = []

    def unary_unary(self, method: str, *_: object, **__: object) -> None:
        self.methods.append((method, "unary_unary"))

    def unary_stream(self, method: str, *_: object, **__: object) -> None:
        self.methods.append((method, "unary_stream"))


def spelt(field: FieldDescriptorProto, message: DescriptorProto) -> str:
    """A field as the contract's table spells it: ``1 devices repeated Device``."""
    for nested in message.nested_type:
        if nested.options.map_entry and field.type_name.endswith(f".{nested.name}"):
            key, value = (kind(entry) for entry in nested.field)
            return f"{field.number} {field.name} map<{key},{value}>"
    repeated = "repeated " if field.label == FieldDescriptorProto.LABEL_REPEATED else ""
    return f"{field.number} {field.name} {repeated}{kind(field)}"


def kind(field: FieldDescriptorProto) -> str:
    scalar = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    return field.type_name.rpartition(".")[2] or scalar
