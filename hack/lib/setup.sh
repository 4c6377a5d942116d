# Sourced from the root of the checkout by hack/test and its neighbours: gets what they need, silently.
#
# ensure_venv → $PYTHON; ensure_udev → $UDEVADM; can_run_world, can_run_browser, can_run_udevd, can_run_kubelet,
# can_run_chart, can_run_vm → 0, or the reason in $OBSTACLE.
# Nothing is installed on the machine except missing Debian packages, and that only as root.

PYTHON=$PWD/.venv/bin/python
UDEVADM=
OBSTACLE=
NEWEST_KUBERNETES=1.36  # of those that hack/kubelet builds

is_root() { [ "$(id -u)" = 0 ]; }

die() {
    echo "${0#"$PWD"/}: $*" >&2
    exit 1
}

# Runs a command in silence; what it said is shown if it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ $status != 0 ]; then
        echo "failed ($status): $*" >&2
        cat "$log" >&2
    fi
    rm -f "$log"
    return $status
}

# The package lists of a fresh machine may be empty or old: a second attempt renews them.
with_apt() {
    command -v apt-get >/dev/null || return 1
    "$@" >/dev/null 2>&1 || { is_root && quietly apt-get -qq update && quietly "$@"; }
}

apt_install() {
    is_root && with_apt env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends "$@"
}

ensure_command() {  # COMMAND PACKAGE
    PATH=$PATH:/usr/sbin:/sbin
    command -v "$1" >/dev/null || apt_install "$2" || {
        OBSTACLE="$1 is missing (Debian package $2)"
        return 1
    }
}

find_python() {
    local python
    for python in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

make_venv() {
    local python
    python=$(find_python) || { apt_install python3 python3-venv && python=$(find_python); } ||
        die "no Python 3.11 or newer found; install one"
    "$python" -m venv --clear .venv >/dev/null 2>&1 ||
        { apt_install python3-venv && quietly "$python" -m venv --clear .venv; } ||
        die "$python cannot make a virtual environment; install its venv module (Debian: python3-venv)"
}

# A venv has its own path in its scripts: a moved checkout needs a new one. A new pyproject.toml only needs pip.
ensure_venv() {
    local made_from wanted
    wanted="$(sha256sum <pyproject.toml) $PWD"
    made_from=$(cat .venv/made-from 2>/dev/null) || true
    if [ "$made_from" = "$wanted" ] && "$PYTHON" -c '' 2>/dev/null; then
        compile_sources
        return
    fi
    echo "setting up .venv …"
    [ "${made_from#* - }" = "$PWD" ] && "$PYTHON" -m pip --version >/dev/null 2>&1 || make_venv
    quietly "$PYTHON" -m pip install --quiet --no-input --editable '.[test,lint]' ||
        die "could not install the project into .venv"
    echo "$wanted" >.venv/made-from
    compile_sources
}

# Where an environment keeps Python from writing bytecode, each start of the program would compile it again: 0.2 s.
compile_sources() { "$PYTHON" -m compileall -q udev_device_plugin tests hack/benchmarks; }

find_udevadm() {
    local candidate
    for candidate in udevadm /bin/udevadm /usr/sbin/udevadm .cache/udev/bin/udevadm .cache/udev/usr/bin/udevadm; do
        if "$candidate" --version >/dev/null 2>&1; then
            realpath "$(command -v "$candidate")"
            return
        fi
    done
    return 1
}

# udevadm is udevd too, if called so. The package is unpacked, never installed: that would upgrade half of systemd.
unpack_udev() {
    local folder
    folder=$(mktemp -d)
    chmod 755 "$folder"
    (cd "$folder" && with_apt apt-get -qq -o APT::Sandbox::User=root download udev) || return 1
    mkdir -p .cache/udev
    quietly dpkg -x "$folder"/udev_*.deb .cache/udev
    rm -r "$folder"
}

ensure_udev() {
    UDEVADM=$(find_udevadm) || { unpack_udev && UDEVADM=$(find_udevadm); } || {
        OBSTACLE="there is no udevadm, and apt-get cannot download the package udev"
        return 1
    }
}

can_run_world() {
    is_root || {
        OBSTACLE="it needs root, for network and mount namespaces of its own"
        return 1
    }
    ensure_command unshare util-linux && ensure_command ip iproute2 || return 1
    local said
    said=$(hack/lib/in-world true 2>&1) && return
    OBSTACLE="it cannot have namespaces of its own: $said"
    return 1
}

# Chromium takes some 300 MB, and a minute.
can_run_browser() {
    can_run_world && ensure_command chromium chromium && ensure_command chromedriver chromium-driver || return 1
    fc-list 2>/dev/null | grep -q . || apt_install fonts-dejavu-core || {
        OBSTACLE="there are no fonts (Debian package fonts-dejavu-core)"
        return 1
    }
}

can_run_udevd() {
    can_run_world && ensure_udev || return 1
    local try='ip link add lab0 type veth peer name lab1 && ip link add link lab1 name mvt index 4299 type macvtap'
    unshare --net sh -c "$try" 2>/dev/null || {
        OBSTACLE="this kernel has no veth or no macvtap devices to plug"
        return 1
    }
}

# Building it takes minutes, once, and says how far it has come.
can_run_kubelet() {
    can_run_udevd && ensure_command openssl openssl || return 1
    command -v apt-get >/dev/null || {
        OBSTACLE="there is no apt-get, to download runc with"
        return 1
    }
    local said
    said=$(UDEVADM=$UDEVADM hack/lib/beside-kubelet true 2>&1 | tee -a /dev/stderr) || {
        OBSTACLE="a kubelet cannot have namespaces of its own here: $said"
        return 1
    }
    can_build
}

can_run_chart() { can_build helm; }

can_build() {  # as hack/kubelet
    local log status=0
    log=$(mktemp)
    hack/kubelet "$@" 2>&1 >/dev/null | tee "$log" >&2 || status=$?
    OBSTACLE="it cannot be built: $(tail -n 1 "$log")"
    rm -f "$log"
    return $status
}

can_run_vm() {
    is_root || {
        OBSTACLE="it needs root, to show this machine's files to a virtual one"
        return 1
    }
    [ "$(uname -m)" = x86_64 ] || {
        OBSTACLE="its virtual machine is an x86-64 one, this machine is $(uname -m)"
        return 1
    }
    command -v apt-get >/dev/null || {
        OBSTACLE="there is no apt-get, to download Debian's kernel with"
        return 1
    }
    ensure_command qemu-system-x86_64 qemu-system-x86 || return 1
    local said
    said=$(hack/lib/build-vm 2>&1 >/dev/null) && return
    OBSTACLE="its virtual machine cannot be built: $said"
    return 1
}

# Beside .venv's other packages, but only where the manifests are tested: 150 MB that nothing else needs.
ensure_manifests_extra() {
    local wanted
    wanted=$(cat .venv/made-from)
    if [ "$(cat .venv/manifests-made-from 2>/dev/null)" = "$wanted" ]; then return; fi
    echo "setting up .venv for the manifests …"
    quietly "$PYTHON" -m pip install --quiet --no-input --editable '.[manifests]' ||
        die "could not install the extra manifests into .venv"
    echo "$wanted" >.venv/manifests-made-from
}

can_run_manifests() { ensure_command systemd-analyze systemd; }

# The program and all that it needs, as packages: what is installed beside systemd has no network.
ensure_wheels() {
    rm -rf .cache/wheels
    mkdir -p .cache/wheels
    quietly "$PYTHON" -m pip wheel --quiet --no-input --wheel-dir .cache/wheels . || die "could not build the wheels"
}

can_run_systemd() {
    can_run_world && ensure_command systemctl systemd || return 1
    local said
    said=$(timeout --kill-after=5 60 hack/lib/in-world hack/lib/beside-systemd true 2>&1) && return
    OBSTACLE="systemd cannot run in namespaces here: $said"
    return 1
}
