# Sourced by run and nightly: `step <name> <command…>` runs, times and remembers; `beside <name> <command…>` starts one
# that leaves a core to others, and `joined <name>` waits for it; `summary` prints the table and ends.

names=() seconds=() results=()
declare -A pids
# Of a step, in seconds: one that hangs is one that failed.
limit=3600
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

step() {
  local name=$1 started=$SECONDS code=0
  shift
  printf '\n=== %s: %s\n' "$name" "$*"
  limited "$@" || code=$?
  remember "$name" $((SECONDS - started)) $code
}

beside() {
  local name=$1
  shift
  printf '\n=== %s, beside what follows: %s\n' "$name" "$*"
  { local started=$SECONDS code=0
    limited "$@" >"$logs/$name.log" 2>&1 || code=$?
    echo $((SECONDS - started)) $code >"$logs/$name.end"; } &
  pids[$name]=$!
}

joined() {
  local name=$1 took=0 code=1
  wait "${pids[$name]}"
  printf '\n=== %s, which ran beside\n' "$name"
  cat "$logs/$name.log"
  read -r took code <"$logs/$name.end"
  remember "$name" "$took" "$code"
}

limited() {
  timeout "$limit" "$@" </dev/null
}

remember() {
  local result=ok
  [ "$3" = 0 ] || result="FAILED ($3)"
  names+=("$1") seconds+=("$2") results+=("$result")
  [ "$result" = ok ]
}

summary() {
  local failed=0
  printf '\n%-12s %8s  %s\n' step seconds result
  for i in "${!names[@]}"; do
    printf '%-12s %8s  %s\n' "${names[$i]}" "${seconds[$i]}" "${results[$i]}"
    [ "${results[$i]}" = ok ] || failed=1
  done
  printf '%-12s %8s\n' all "$SECONDS"
  exit $failed
}
