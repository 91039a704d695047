#!/bin/sh
# Runs the contract on emulators nobody here wrote: ministack (SQS, DynamoDB) and moto (KMS).
# Each is installed in a virtual environment of its own under target/, and runs in a network namespace that has only a
# loopback device, for ministack listens on every address. Needs python3 with venv, util-linux and iproute2.
set -eu
cd "$(dirname "$0")/../.."

install() { # name requirement...
    venv="target/peers/$1"
    shift
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/pip" --disable-pip-version-check --quiet install "$@"
}

install ministack 'ministack==1.5.33'
install moto 'moto[server,kms]==5.2.5'

# The binary is built here: there is no network inside.
binary=$(cargo test --workspace --test it --no-run --message-format=json |
    python3 -c 'import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == "it" and message["manifest_path"].endswith("/tests/Cargo.toml"):
        print(message["executable"])')

export BINARY="$binary"
unshare --map-root-user --net sh -eu <<'INSIDE'
ip link set lo up
logs=target/peers
AWS_DEFAULT_REGION=us-east-1 "$logs/ministack/bin/ministack" >"$logs/ministack.log" 2>&1 &
ministack=$!
"$logs/moto/bin/moto_server" --host 127.0.0.1 --port 5555 >"$logs/moto.log" 2>&1 &
moto=$!
trap 'kill $ministack $moto' EXIT

# A peer that never answers is a failure, not a skipped check.
answers() { # port
    for _ in $(seq 120); do
        python3 -c "import socket; socket.create_connection(('127.0.0.1', $1), 1).close()" 2>/dev/null && return
        sleep 0.5
    done
    echo "nothing answers on port $1 within a minute: see $logs/*.log" >&2
    exit 1
}
answers 4566
answers 5555

CONTRACT_MINISTACK_URL=http://127.0.0.1:4566 CONTRACT_MOTO_URL=http://127.0.0.1:5555 "$BINARY" contract::peers
INSIDE
