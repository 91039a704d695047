# Sourced by run and nightly: `step <name> <command…>` runs, times and remembers; `summary` prints the table and ends.

names=() seconds=() results=()

step() {
  local name=$1 started=$SECONDS result=ok
  shift
  printf '\n=== %s: %s\n' "$name" "$*"
  # A step that hangs is a step that failed.
  timeout 3600 "$@" </dev/null || result="FAILED ($?)"
  names+=("$name") seconds+=($((SECONDS - started))) results+=("$result")
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
