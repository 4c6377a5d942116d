"""The kubelet's pod-resources API, in the versions that this program speaks. Holds stubs alone."""
