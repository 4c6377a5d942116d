"""The image: what goes into it (in its build), and how hack/image-test tries it out."""
