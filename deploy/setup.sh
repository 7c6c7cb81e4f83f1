# How does a virtual environment come to be, on a bare Debian too? Read with `.` by the other scripts here, from the
# checkout's root. Takes any Python from 3.11 on; missing Debian packages are installed when root, else named.

find_python() {
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# need PACKAGE ...: see that these Debian packages are installed, and Python where none was found that will do.
need() {
    missing=""
    find_python >/dev/null || missing=" python3 python3-venv"
    # Debian's Python believes the certificates of this package alone.
    if command -v dpkg-query >/dev/null && [ ! -e /etc/ssl/certs/ca-certificates.crt ]; then
        missing="$missing ca-certificates"
    fi
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
    done
    [ -z "$missing" ] || install_packages "$missing"
    find_python >/dev/null || { echo "No Python 3.11 or newer was found." >&2; exit 1; }
}

# install_packages "PACKAGE ...": install, or name them and stop.
install_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "These Debian packages are missing:$1" >&2
        echo "Install them as root: apt-get install$1" >&2
        exit 1
    fi
    echo "Installing Debian packages:$1" >&2
    said=$(mktemp)
    # shellcheck disable=SC2086  # one word per package is meant
    if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $1; } \
        >"$said" 2>&1 </dev/null; then
        cat "$said" >&2
        rm -f "$said"
        echo "These Debian packages could not be installed:$1" >&2
        exit 1
    fi
    rm -f "$said"
}

# make_venv DIRECTORY LOCK WORDS...: a virtual environment with exactly what the lock file names, and this checkout in
# it; WORDS say to pip how: `--editable .` or `.` for a copy. One that was finished for the same lock is left as it is.
make_venv() {
    venv=$1
    lock=$2
    shift 2
    stamp=$(cat pyproject.toml deploy/requirements/build.txt "$lock" | cksum)
    pip="$venv/bin/python -m pip --quiet --disable-pip-version-check"
    # A Python that went away with a release of Debian, or a set-up that was interrupted: begin anew.
    if ! $pip --version >/dev/null 2>&1; then
        python=$(find_python)
        echo "Setting up $venv with $python" >&2
        "$python" -m venv --clear "$venv"
    elif [ "$(cat "$venv/.stamp-${lock##*/}" 2>/dev/null)" = "$stamp" ]; then
        return 0
    fi
    $pip install --require-hashes -r deploy/requirements/build.txt >&2
    $pip install --require-hashes --no-build-isolation --use-pep517 -r "$lock" >&2
    $pip install --no-deps --no-build-isolation "$@" >&2
    # An editable checkout is not compiled by pip, and every verb would compile it anew where nothing may be written.
    "$venv/bin/python" -m compileall -q config mailer webhook
    echo "$stamp" >"$venv/.stamp-${lock##*/}"
}
