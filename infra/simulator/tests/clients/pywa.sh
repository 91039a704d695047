#!/bin/sh
# pywa, an independent client from PyPI, against the simulator. Needs Python 3.10 or newer and PyPI (or its mirror).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
environment=${CARGO_TARGET_DIR:-$here/../../../../target}/clients/pywa
[ -x "$environment/bin/python" ] || python3 -m venv "$environment"
"$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/pywa/requirements.txt"
exec "$here/with-simulator.sh" "$environment/bin/python" "$here/pywa/run.py"
