# `just` lists the recipes; `.ci/run` runs the same ones.

set shell := ["bash", "-euo", "pipefail", "-c"]

tools := env("PATCHBAY_TOOLS", env("XDG_CACHE_HOME", home_directory() / ".cache") / "patchbay-ci/tools")
target := env("CARGO_TARGET_DIR", justfile_directory() / "target")
sam := tools / "aws-sam-cli/bin/sam"
emulator := tools / "aws-sam-cli/lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64"

# sam wants a region even where it calls nobody.
export AWS_DEFAULT_REGION := env("AWS_DEFAULT_REGION", "eu-central-1")
export SAM_CLI_TELEMETRY := "0"

[private]
default:
    @just --list --unsorted

# The local stack: API, simulator and a key to use them with
run *arguments:
    cargo run -- {{ arguments }}

# What a change must pass before it is pushed, without the long builds
check: format lint doc test deny template

# Install the pinned tools that the recipes below use
tools:
    .ci/install

# Is every file formatted?
format:
    cargo fmt --all --check

# clippy, warnings refused
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# rustdoc, warnings refused
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Every test
test:
    cargo test --workspace

# Write docs/openapi.json anew from the code
openapi:
    PATCHBAY_WRITE_OPENAPI=1 cargo test --workspace --test it openapi

# Write docs/errors.md anew from the table of Meta's errors
errors:
    PATCHBAY_WRITE_ERRORS=1 cargo test --workspace --test it meta_errors

# Write the tables of docs/cost.md anew from what is counted, one after the other
cost:
    PATCHBAY_WRITE_COST=1 cargo test --workspace --test it cost:: -- --test-threads=1

# Dependencies: bans, licences, sources; advisories where their database can be fetched
deny:
    #!/usr/bin/env bash
    set -euo pipefail
    deny={{ tools }}/cargo-deny/bin/cargo-deny
    "$deny" --locked check bans licenses sources
    if timeout 120 "$deny" fetch db >/dev/null 2>&1; then
      "$deny" --locked check advisories
    else
      echo "advisories: NOT CHECKED, their database (github.com/RustSec/advisory-db) cannot be fetched from here"
    fi

# sam validate, cfn-lint and checkov over template.yaml
template:
    {{ sam }} validate --lint
    {{ tools }}/cfn-lint/bin/cfn-lint --non-zero-exit-code warning template.yaml
    {{ tools }}/checkov/bin/checkov --config-file .ci/checkov.yaml --file template.yaml

# The artefacts that `sam deploy` uploads, for arm64 or x86_64
build architecture="arm64":
    PATH={{ tools }}/cargo-lambda/bin:$PATH {{ sam }} build --parameter-overrides Architecture={{ architecture }}

# The built x86_64 artefacts under AWS's runtime interface emulator
package:
    #!/usr/bin/env bash
    set -euo pipefail
    # The wheel brings it without its executable bit.
    install -D -m 755 {{ emulator }} {{ target }}/aws-lambda-rie
    cargo run --locked -p tests --bin packaging -- .aws-sam/build {{ target }}/aws-lambda-rie

# The emulators' contract against independent implementations
contract:
    bash tests/contract/peers.sh

# Independent clients against the simulator, unchanged but for the address: `pywa`, `kapso`
client name:
    infra/simulator/tests/clients/{{ name }}.sh

# The simulator's phone page and signup popup, and the dashboard of docs/embedding.md, in a real Chromium
page:
    cargo build --locked --workspace --bin simulator --bin local
    infra/simulator/tests/page/run {{ target }}/debug/simulator {{ target }}/debug/local

# Takes protections away, one at a time (all, or the named ones), and sees a test go red for each
sabotage *names:
    tests/sabotage/run {{ names }}

# All of which a test run tries a part: every pair of faults in the way of one message, thousands of messages and events
whole:
    PATCHBAY_WHOLE=1 cargo test --profile load --workspace --test it -- --nocapture pairs_of_faults at_a_time isolation flood

# Fuzzes what strangers and Meta can make us read, so many seconds for each target; needs a nightly toolchain
fuzz seconds="60" *targets:
    tests/fuzz/run {{ seconds }} {{ targets }}

# What starting costs, into docs/performance.md; with --check, held against its bars
bench-startup *arguments:
    cargo run --locked -p benches --bin startup -- {{ arguments }}

# Deliveries to the whole stack under load, with --kills while its processes die: nothing lost, doubled or out of order
storm *arguments:
    cargo run --locked -p benches --bin storm -- {{ arguments }}

# What receiving costs beside a hand-made floor, Python and Node, into docs/performance.md; with --check, held to its bars
bench-receive *arguments:
    cargo run --locked -p benches --bin receive -- {{ arguments }}

# Everything CI runs, from nothing
ci:
    bash .ci/run
