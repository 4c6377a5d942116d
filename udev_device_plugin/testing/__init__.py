"""A kubelet for the tests of device plugins, ours and others': see ``testing.kubelet.Kubelet``.

It imports the stubs and ``errors`` only, and nothing of the program imports it. It implements the kubelet's side of the
contract independently, so it must not share code with the plugin that it tests.
"""
