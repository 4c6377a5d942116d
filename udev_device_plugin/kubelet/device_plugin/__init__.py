"""The device plugin API v1beta1: a gRPC server for each resource, and its registration with the kubelet."""
