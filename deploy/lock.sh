#!/bin/sh
# Writes the lock files anew: exact versions with hashes, good for every Python from 3.11 on, without addresses.
# Run it after changing dependencies in pyproject.toml, look at the difference, and commit both.
set -eu
cd "$(dirname "$0")/.."
compile() {
    out=$1
    shift
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --custom-compile-command "sh deploy/lock.sh" --output-file "deploy/requirements/$out" "$@"
}
compile build.txt deploy/requirements/build.in
compile runtime.txt pyproject.toml --extra speed --constraint deploy/requirements/build.txt
compile dev.txt pyproject.toml --extra speed --group dev --constraint deploy/requirements/build.txt
