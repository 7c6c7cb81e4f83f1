#!/bin/sh
# Shows the main job on this machine: the FAQ's 11 schools, 2,000 fictional households, simulated carriers.
# A safety broadcast goes out, bounces and receipts come back, the result per school is printed; then the pages stay
# up until Ctrl-C (`--once`: exits instead, 0 if the roster accounting holds). Nothing leaves the machine.
set -eu
cd "$(dirname "$0")/.."
. deploy/setup.sh
need
make_venv .venv deploy/requirements/runtime.txt --editable .
exec .venv/bin/python -m mailer.rehearsal.demo "$@"
