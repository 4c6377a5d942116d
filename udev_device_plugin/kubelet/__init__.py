"""The gRPC APIs between plugin and kubelet: resources are served and registered, and holders of devices asked for."""
