# How does a checkout get a virtual environment of its own? Read by demo.sh and test.sh with `.`, from the checkout's root.
# Takes any Python from 3.11 on; on a bare Debian the missing packages are installed when root, else named.

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

# need PACKAGE ...: install Debian packages, or name them and stop.
need() {
    if [ "$(id -u)" -ne 0 ]; then
        echo "These Debian packages are missing: $*" >&2
        echo "Install them as root: apt-get install $*" >&2
        exit 1
    fi
    echo "Installing Debian packages: $*" >&2
    export DEBIAN_FRONTEND=noninteractive
    [ -n "${MIMAMORI_APT_FRESH:-}" ] || apt-get update -qq >&2
    MIMAMORI_APT_FRESH=1
    apt-get install -y -qq --no-install-recommends "$@" >"$(mktemp)" || {
        echo "apt-get could not install: $*" >&2
        exit 1
    }
}

# need_missing PACKAGE ...: install those that dpkg does not list.
need_missing() {
    missing=""
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -q '^installed$' || missing="$missing $package"
    done
    # shellcheck disable=SC2086  # one word per package is meant
    [ -z "$missing" ] || need $missing
}

# make_venv DIRECTORY LOCK: a virtual environment with exactly what the lock file names, and this checkout in it.
make_venv() {
    venv=$1
    lock=$2
    python=$(find_python) || {
        need python3 python3-venv ca-certificates
        python=$(find_python) || { echo "No Python 3.11 or newer was found." >&2; exit 1; }
    }
    stamp=$(cat pyproject.toml deploy/requirements/build.txt "$lock" | cksum)
    if [ "$(cat "$venv/.stamp-$(basename "$lock")" 2>/dev/null)" = "$stamp" ]; then
        return 0
    fi
    echo "Setting up $venv with $python" >&2
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    pip="$venv/bin/python -m pip --quiet --disable-pip-version-check install"
    $pip --require-hashes -r deploy/requirements/build.txt >&2
    $pip --require-hashes --no-build-isolation -r "$lock" >&2
    $pip --no-deps --no-build-isolation --editable . >&2
    echo "$stamp" >"$venv/.stamp-$(basename "$lock")"
}
