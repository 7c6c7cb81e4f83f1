#!/bin/sh
# Collects the sentences for people from the code, brings mailer/locale up to date and compiles it; names those that
# lack Japanese. With --check it changes nothing and says whether all is well. The tests do the same.
set -eu
cd "$(dirname "$0")/.."
[ -x .venv/bin/pybabel ] || { echo "Set up first: sh deploy/test.sh" >&2; exit 1; }
exec .venv/bin/python deploy/catalogue.py "$@"
