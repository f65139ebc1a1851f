#!/bin/sh

# Start: FTGATE_NODE=0 sh FILE (1, 2, ... on the others), then: ftgate train --out out --store '/shared/ft gate'
# Every node needs ftgate with its training stack and, at the same paths as here, the base model and
# /shared/ft gate. A step takes 32 examples: 2 x 1 accumulated x 16 processes.
set -eu

FTGATE_HOST="${FTGATE_HOST:?the first node, as the others reach it}"
FTGATE_PORT="${FTGATE_PORT:-29500}"
FTGATE_NODE="${FTGATE_NODE:?the number of this node, from 0}"
export FTGATE_HOST FTGATE_PORT FTGATE_NODE
unset OPENAI_API_KEY GITHUB_TOKEN GH_TOKEN ACTIONS_RUNTIME_TOKEN || true # workers read what a pull request brings
export HF_HUB_DISABLE_TELEMETRY=1
export DO_NOT_TRACK=1
export MLFLOW_DISABLE_TELEMETRY=true
export GRADIO_ANALYTICS_ENABLED=False
export WANDB_ERROR_REPORTING=false
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
export HF_HUB_OFFLINE=1
export TOKENIZERS_PARALLELISM=false
export OMP_NUM_THREADS=1

running=
stopped=
# shellcheck disable=SC2329 # the trap calls it
stop() {
  stopped=1
  # Every rank saves a checkpoint and ends; a second signal would cut that short.
  [ -z "$running" ] || kill -TERM "$running" 2>/dev/null || true
}
trap stop TERM INT

train() {
  [ -z "$stopped" ] || return 0
  # shellcheck disable=SC2016 # each node expands it for itself
  sh -c 'exec /opt/ftgate/bin/python -m torch.distributed.run --nnodes 2 --rdzv-backend c10d --rdzv-endpoint "$FTGATE_HOST":"$FTGATE_PORT" --rdzv-id ftgate-aaaaaaaaaaaa --nproc-per-node 8 --max-restarts 1 -m ftgate.edges.worker "$1"' ftgate "$1" &
  running=$!
  # A signal ends `wait` early: it is asked again until the process has really gone.
  while :; do
    status=0
    wait "$running" || status=$?
    kill -0 "$running" 2>/dev/null || break
  done
  running=
  [ "$status" -eq 0 ] || failed=$status
}

failed=0

train '/shared/ft gate/work/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/launch/job.json' # training baseline
train '/shared/ft gate/work/cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc/launch/job.json' # training candidate
exit "$failed"
