"""The image: its content (in its build), and the steps of hack/image-test."""
