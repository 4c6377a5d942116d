# The plugin's image: Python, libudev and the package, and nothing else: no shell, no pip, no package manager.
#
#     docker build --build-arg VERSION=1.2.3 .      (or buildah; hack/image-test builds it and tries it out)
#
# Platforms: linux/amd64, linux/arm64, linux/arm/v7. No compiler is needed on any of them (as of November 2026):
#   amd64, arm64  wheels of everything on PyPI
#   arm/v7        grpcio has wheels (linux_armv7l, for glibc 2.34 or newer), protobuf has its pure Python one, which is
#                 slower; PyYAML has none, and without compiler and libyaml its sources make a pure Python wheel
# Should a grpcio have no wheel, the build says so at once instead of compiling for hours: see --only-binary.

# Any Debian with Python 3.11 or newer, pip and libudev1, which apt needs, so that it is in the slim ones as well.
ARG BASE=docker.io/library/python:3.13-slim-trixie

FROM ${BASE} AS build
# Of the project's sources only: there is no git in here, nor .git (see hack/release for the versions).
ARG VERSION=
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY udev_device_plugin udev_device_plugin
# The wheels first: what builds them must not end up in the image.
RUN --mount=type=cache,target=/root/.cache/pip \
    SETUPTOOLS_SCM_PRETEND_VERSION_FOR_UDEV_DEVICE_PLUGIN="${VERSION}" \
    python3 -m pip wheel --quiet --only-binary=grpcio,protobuf --wheel-dir /wheels .
RUN python3 -m venv --without-pip /opt/udev-device-plugin \
    && python3 -m pip --python /opt/udev-device-plugin/bin/python install --quiet --no-compile --no-index /wheels/*.whl
COPY hack/image/gather.py ./
RUN python3 gather.py /opt/udev-device-plugin udev_device_plugin /image

FROM scratch
# One layer each for what changes rarely, sometimes, always: an update pulls some hundred kilobytes.
COPY --from=build /image/python /
COPY --from=build /image/dependencies /
COPY --from=build /image/package /

# PYTHONDONTWRITEBYTECODE: the root is read-only, and all bytecode is there already.
# PYTHONUNBUFFERED: a log line is out when it is written, whatever ends the process.
# PYTHONNOUSERSITE: nothing but the image's own packages, whatever HOME is.
# LANG: UTF-8 without locale data.
ENV PATH=/opt/udev-device-plugin/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONNOUSERSITE=1 \
    LANG=C.UTF-8
# uid 0, as only root may bind sockets in the kubelet's directory; without a single capability, on a read-only root.
USER 0:0
# Port of /metrics, /health, /healthz and /readyz; --listen changes it.
EXPOSE 8080
ENTRYPOINT ["/opt/udev-device-plugin/bin/udev-device-plugin"]

# Last: they differ from build to build.
ARG VERSION=
ARG REVISION=
ARG CREATED=
ARG SOURCE=
LABEL org.opencontainers.image.title="udev-device-plugin" \
      org.opencontainers.image.description="A Kubernetes device plugin for generic Linux devices, driven by udev events" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.source="${SOURCE}"
