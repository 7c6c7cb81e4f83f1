#!/bin/sh
# Sets up what the tests need and runs them. `sh deploy/test.sh` is what every change must pass;
# options go to pytest: `sh deploy/test.sh --long`, `sh deploy/test.sh tests/smtp -k reply`.
set -eu
cd "$(dirname "$0")/.."
. deploy/setup.sh
# The Node that playwright brings wants libatomic1; strace kills inside a commit; swaks speaks TLS by
# libnet-ssleay-perl.
need strace opendkim-tools swaks libnet-ssleay-perl chromium fonts-noto-cjk libatomic1 systemd
# What fails, fills up and runs wrong on purpose in the long tests.
case " $* " in *" --long "*) need faketime e2fsprogs ;; esac
make_venv .venv deploy/requirements/dev.txt --editable .
if [ $# -eq 0 ]; then
    .venv/bin/ruff format --check .
    .venv/bin/ruff check .
    .venv/bin/mypy
fi
exec .venv/bin/python -m pytest "$@"
