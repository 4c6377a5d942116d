"""The stubs: what protos/ says, in date, and exactly the contract that kubelets speak."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

from udev_device_plugin.kubelet.v1beta1 import api_pb2, api_pb2_grpc

GENERATE_STUBS = Path(__file__).resolve().parents[2] / "hack" / "generate-stubs"

MESSAGES = {
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
}

METHODS = [
    ("/v1beta1.Registration/Register", "unary_unary", "RegisterRequest", "Empty"),
    ("/v1beta1.DevicePlugin/GetDevicePluginOptions", "unary_unary", "Empty", "DevicePluginOptions"),
    ("/v1beta1.DevicePlugin/ListAndWatch", "unary_stream", "Empty", "ListAndWatchResponse"),
    (
        "/v1beta1.DevicePlugin/GetPreferredAllocation",
        "unary_unary",
        "PreferredAllocationRequest",
        "PreferredAllocationResponse",
    ),
    ("/v1beta1.DevicePlugin/Allocate", "unary_unary", "AllocateRequest", "AllocateResponse"),
    (
        "/v1beta1.DevicePlugin/PreStartContainer",
        "unary_unary",
        "PreStartContainerRequest",
        "PreStartContainerResponse",
    ),
]


def test_the_committed_stubs_are_what_the_pinned_generator_makes_of_the_protos() -> None:
    command = [sys.executable, str(GENERATE_STUBS), "--check"]
    outcome = subprocess.run(command, check=False, capture_output=True, text=True)

    assert outcome.returncode == 0, outcome.stderr


def test_the_package_is_the_one_that_method_paths_are_built_from() -> None:
    assert api_pb2.DESCRIPTOR.package == "v1beta1"


def test_there_are_no_messages_and_services_but_those_of_the_contract() -> None:
    assert set(api_pb2.DESCRIPTOR.message_types_by_name) == set(MESSAGES)
    assert set(api_pb2.DESCRIPTOR.services_by_name) == {"Registration", "DevicePlugin"}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_fields_of_a_message_have_the_numbers_names_and_types_of_the_contract(name: str) -> None:
    (message,) = (message for message in contract().message_type if message.name == name)

    assert [spelt(field, message) for field in message.field] == MESSAGES[name]


def test_a_client_calls_the_methods_of_the_contract_by_their_paths_and_kinds() -> None:
    channel = NotingChannel()

    api_pb2_grpc.RegistrationStub(channel)
    api_pb2_grpc.DevicePluginStub(channel)

    assert channel.methods == [(path, kind) for path, kind, _, _ in METHODS]


@pytest.mark.parametrize(("path", "request_name", "response_name"), [(m[0], m[2], m[3]) for m in METHODS])
def test_a_method_takes_and_answers_the_messages_of_the_contract(
    path: str, request_name: str, response_name: str
) -> None:
    service, method = path.removeprefix("/v1beta1.").split("/")
    descriptor = api_pb2.DESCRIPTOR.services_by_name[service].methods_by_name[method]

    assert (descriptor.input_type.name, descriptor.output_type.name) == (request_name, response_name)


class NotingChannel:
    """Notes which methods a stub prepares, and connects to nothing."""

    def __init__(self) -> None:
        self.methods: list[tuple[str, str]] = []

    def unary_unary(self, method: str, *_: object, **__: object) -> None:
        self.methods.append((method, "unary_unary"))

    def unary_stream(self, method: str, *_: object, **__: object) -> None:
        self.methods.append((method, "unary_stream"))


def contract() -> FileDescriptorProto:
    proto = FileDescriptorProto()
    api_pb2.DESCRIPTOR.CopyToProto(proto)
    return proto


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
    return field.type_name.removeprefix(".v1beta1.") or scalar
