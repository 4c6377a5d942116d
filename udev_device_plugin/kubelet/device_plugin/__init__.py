"""Serves each resource to the kubelet: the gRPC servers, their registration, their end."""
