"""A real kubelet and a real cluster of one node, as `hack/lib/beside-kubelet` lets them run."""
