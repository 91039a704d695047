#!/bin/sh
# Runs a command with a simulator beside it: on loopback, on a free port, its address in $SIMULATOR; stopped by its pid.
set -eu

root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
cargo build --quiet --workspace --bin simulator
greeting=$(mktemp)
"${CARGO_TARGET_DIR:-$root/target}/debug/simulator" --port 0 >"$greeting" &
simulator=$!
trap 'kill "$simulator"; rm -f "$greeting"' EXIT

tries=0
until SIMULATOR=$(sed -n 's/^Graph, login and media *//p' "$greeting") && [ -n "$SIMULATOR" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "the simulator does not start" >&2; exit 1; }
    sleep 0.1
done
export SIMULATOR
"$@"
