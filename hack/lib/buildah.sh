# Sourced by hack/image-test and hack/release, after setup.sh: builds the Dockerfile without an engine.
#
# can_build_image → 0, or the reason in $OBSTACLE; ensure_base → $BASE; build_image TAG; image COMMAND… is buildah.
# Everything is kept below .cache/image. Nothing is left on the machine but Debian packages.

IMAGES=$PWD/.cache/image
STAND_IN=trixie  # Debian's, with the Python of the Dockerfile's base
BASE=${BASE:-}

# Where buildah keeps mounted caches of a build (pip's), too.
image() { TMPDIR=$IMAGES/tmp buildah --root "$IMAGES/storage" --runroot "$IMAGES/run" --storage-driver "$DRIVER" "$@"; }

can_build_image() {
    is_root || {
        OBSTACLE="building an image needs root here"
        return 1
    }
    ensure_command buildah buildah || return 1
    mkdir -p "$IMAGES/tmp"
    # overlay takes a tenth of the time of vfs, but not every file system lets it.
    DRIVER=overlay
    [ -e "$IMAGES/driver" ] && DRIVER=$(cat "$IMAGES/driver") && return
    image info >/dev/null 2>&1 || { rm -rf "$IMAGES/storage" "$IMAGES/run" && DRIVER=vfs; }
    echo $DRIVER >"$IMAGES/driver"
}

# The Dockerfile's own base where a registry can be reached, else a stand-in out of Debian's packages.
ensure_base() {
    if [ -n "$BASE" ]; then return; fi
    local real stand_in=localhost/stand-in:$STAND_IN
    real=$(sed -n 's/^ARG BASE=//p' Dockerfile)
    if image inspect --type image "$real" >/dev/null 2>&1 || quick_pull "$real"; then
        BASE=$real
    else
        echo "NOT THE REAL BASE: $real cannot be pulled; a stand-in from Debian $STAND_IN takes its place"
        image inspect --type image "$stand_in" >/dev/null 2>&1 || make_stand_in "$stand_in"
        BASE=$stand_in
    fi
}

quick_pull() {  # IMAGE
    TMPDIR=$IMAGES/tmp timeout 300 buildah --root "$IMAGES/storage" --runroot "$IMAGES/run" --storage-driver "$DRIVER" \
        pull --quiet "$1" >/dev/null 2>&1
}

make_stand_in() {  # TAG
    local packages=python3,python3-venv,python3-pip,ca-certificates root=$IMAGES/root container
    ensure_command debootstrap debootstrap || die "cannot make a base image: $OBSTACLE"
    echo "making a base image from Debian's packages …"
    rm -rf "$root"
    mkdir -p "$root"
    quietly debootstrap --variant=minbase --include="$packages" "$STAND_IN" "$root" || die "debootstrap failed"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    container=$(image from scratch)
    quietly image add --quiet "$container" "$root" /
    quietly image commit --quiet --rm "$container" "$1"
    rm -rf "$root"
}

# The machine's own certificates and pip settings, for networks that need them: for the build only, not for the image.
as_pip_here() {
    local certificates=/etc/ssl/certs/ca-certificates.crt
    if [ ! -e $certificates ]; then return; fi
    printf '[global]\ncert = %s\n' $certificates >"$IMAGES/pip.conf"
    printf '%s\n' --volume "$certificates:$certificates:ro" --volume "$IMAGES/pip.conf:/etc/pip.conf:ro"
}

build_image() {  # TAG [ARGUMENT…]
    local arguments
    mapfile -t arguments < <(as_pip_here)
    quietly image build --isolation chroot --layers --pull-never --format oci "${arguments[@]}" \
        --build-arg "BASE=$BASE" --tag "$1" "${@:2}" .
}
