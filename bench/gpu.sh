#!/usr/bin/env bash
# Everything that only a machine with an NVIDIA GPU can tell, in one go: is it right there, and how fast.
#
#   OUT=out/gpu LIMIT_S=570 bench/gpu.sh
#
# Needs python3 with CuPy, JAX and torch, and this checkout; installs nothing and asks nothing of the network. Every step
# runs whatever became of the others, and has a share of the time that is left. Leaves nine files in OUT at most and prints
# a short table last; ends with 1 if any step failed.

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

OUT=${OUT:-out/gpu}
LIMIT_S=${LIMIT_S:-570}
DEVICE=${DEVICE:-cuda:0}
mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
PARTS=$(mktemp -d)
trap 'rm -rf "$PARTS"' EXIT

export PYTHONPATH="$PWD/src:$PWD${PYTHONPATH:+:$PYTHONPATH}"
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
export XLA_PYTHON_CLIENT_PREALLOCATE=false # the backends share the device's memory, one process after another

steps=()
failed=0

# left STEPS: seconds that each of so many steps may take
left() {
  local seconds=$(((LIMIT_S - SECONDS) / $1))
  echo $((seconds > 5 ? seconds : 5))
}

# step NAME SECONDS LOG COMMAND...: run a command for so long at most, its output in LOG
step() {
  local name=$1 seconds=$2 log=$3 began=$SECONDS status
  shift 3
  echo "== $name (at most $seconds s)"
  timeout --kill-after=10 "$seconds" "$@" >"$log" 2>&1
  status=$?
  if ((status != 0)); then
    failed=1
    [[ $log == *.txt ]] && tail -n 25 "$log" # the others are JSON, and the table has what went wrong
  fi
  steps+=("$(printf '%-28s %4s %5d s' "$name" "$status" $((SECONDS - began)))")
}

step doctor 60 "$OUT/doctor.json" python3 -m lar doctor --json
step registers 60 "$OUT/registers.jsonl" \
  python3 -m tests.cuda.nvrtc targets/pq_l2/tuned/cupy.cuh targets/pq_l2/tuned/cupy.cu
step "tests on the GPU" "$(left 3)" "$OUT/tests.txt" \
  python3 -m pytest -m gpu -q -rA -p no:cacheprovider tests
if [[ -d tests/hostile ]]; then
  step "hostile kernels" "$(left 4)" "$OUT/hostile.txt" \
    python3 -m pytest -q -rA -p no:cacheprovider -k cupy tests/hostile
fi

step "a trial's null" "$(left 5)" "$OUT/null.json" \
  python3 -m lar null pq-l2 --backend cupy --device "$DEVICE" --rounds 2 --store "$PARTS/journal.sqlite3" --json

targets=$(python3 -m lar targets --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))') || targets=1
remaining=6
for backend in cupy jax torch; do
  for scale in standard large; do
    share=$(left "$remaining")
    remaining=$((remaining - 1))
    # The harness itself ends in time, target by target, and reports what it has; `timeout` is for what hangs.
    step "$backend $scale" $((share + 5)) "$PARTS/$backend-$scale.log" \
      python3 -m lar bench all --backend "$backend" --device "$DEVICE" --scale "$scale" \
      --time-budget "$((share / targets))" --json --out "$PARTS/$backend-$scale.json"
  done
done

PARTS="$PARTS" OUT="$OUT" python3 - <<'PY' | tee "$OUT/summary.txt"
import json
import os
from pathlib import Path

parts, out = Path(os.environ["PARTS"]), Path(os.environ["OUT"])
rows = []
for backend in ("cupy", "jax", "torch"):
    joined = {}
    for scale in ("standard", "large"):
        path, log = parts / f"{backend}-{scale}.json", parts / f"{backend}-{scale}.log"
        if not path.is_file():
            joined[scale] = {"error": log.read_text(errors="replace")[-4_000:]}
            rows.append((backend, scale, "-", "no result", "", "", ""))
            continue
        joined[scale] = json.loads(path.read_text())
        for outcome in joined[scale]["outcomes"]:
            head = (backend, scale, outcome["target"], outcome["status"])
            if outcome["status"] != "ok":
                rows.append((*head, (outcome.get("failure") or {}).get("message", "")[:60], "", ""))
            for work in outcome["workloads"]:
                if work["distribution"] == outcome["workloads"][0]["distribution"]:
                    limit = work["percent_of_limit"]
                    rows.append((*head, work["name"], f"{work['ns'] / 1e3:,.2f}", f"{limit:.0f} %" if limit else ""))
    (out / f"{backend}.json").write_text(json.dumps(joined, indent=1))
print(f"{'backend':8}{'scale':10}{'target':12}{'status':13}{'workload':44}{'us/op':>12}{'limit':>8}")
for backend, scale, target, status, name, took, limit in rows:
    print(f"{backend:8}{scale:10}{target:12}{status:13}{name:44}{took:>12}{limit:>8}")
PY

printf '\n%-28s exit\n' step | tee -a "$OUT/summary.txt"
printf '%s\n' "${steps[@]}" | tee -a "$OUT/summary.txt"
exit "$failed"
