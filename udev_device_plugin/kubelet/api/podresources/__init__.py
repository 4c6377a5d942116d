"""The kubelet's pod-resources API, in the versions that this program speaks. Floor 4: holds stubs alone."""
