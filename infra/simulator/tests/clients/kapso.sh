#!/bin/sh
# @kapso/whatsapp-cloud-api, an independent client from npm, against the simulator. Needs Node 20.19 or newer and npm.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
workshop=${CARGO_TARGET_DIR:-$here/../../../../target}/clients/kapso
mkdir -p "$workshop"
cp "$here/kapso/package.json" "$here/kapso/package-lock.json" "$here/kapso/run.mjs" "$workshop"
npm ci --silent --no-audit --no-fund --prefix "$workshop"
exec "$here/with-simulator.sh" node "$workshop/run.mjs"
