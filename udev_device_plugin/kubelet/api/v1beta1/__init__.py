"""The kubelet's device-plugin API, v1beta1: stubs of ``protos/``, made by ``hack/generate-stubs``. Not edited by hand.

Imports grpcio and protobuf alone.
"""
