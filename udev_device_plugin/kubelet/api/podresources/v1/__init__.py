"""The kubelet's pod-resources API, v1: stubs of ``protos/``, made by ``hack/generate-stubs``. Not edited by hand.

Floor 4: imports grpcio and protobuf alone.
"""
