"""A kubelet for the tests of device plugins, ours and others': see ``testing.kubelet.Kubelet``.

Beside the floors: imports the stubs and ``errors`` only, and nothing of the program imports it. It is an
independent reading of the kubelet's contract, so it must not share code with the plugin that it tests.
"""
