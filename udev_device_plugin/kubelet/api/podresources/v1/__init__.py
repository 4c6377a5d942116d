"""The kubelet's pod-resources API, v1: stubs of ``protos/``, made by ``hack/generate-stubs``. Not edited by hand.

Imports grpcio and protobuf alone.
"""
