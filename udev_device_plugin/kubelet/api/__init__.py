"""The kubelet's APIs: stubs of ``protos/``, made by ``hack/generate-stubs``. Not edited by hand."""
