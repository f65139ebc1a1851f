#!/bin/bash
#SBATCH --job-name=ftgate-aaaaaaaaaaaa
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --signal=B:TERM@60
#SBATCH --open-mode=append
#SBATCH --partition=gpu
#SBATCH --time=2:00:00
#SBATCH --requeue

# Start: sbatch FILE, then: ftgate train --out out --store '/shared/ft gate'
# Every node needs ftgate with its training stack and, at the same paths as here, the base model and
# /shared/ft gate. A step takes 32 examples: 2 x 1 accumulated x 16 processes.
set -euo pipefail

FTGATE_HOST=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed -n 1p)
FTGATE_PORT=$((29500 + SLURM_JOB_ID % 1000))
export FTGATE_HOST FTGATE_PORT
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
  srun --kill-on-bad-exit=0 bash -c 'exec /opt/ftgate/bin/python -m accelerate.commands.launch --use_fsdp --num_processes 16 --num_machines 2 --machine_rank "$SLURM_NODEID" --mixed_precision no --dynamo_backend no --gpu_ids all --max_restarts 1 --main_process_ip "$FTGATE_HOST" --rdzv_backend c10d --main_process_port "$FTGATE_PORT" --fsdp_version 2 --fsdp_auto_wrap_policy TRANSFORMER_BASED_WRAP --fsdp_reshard_after_forward true --fsdp_state_dict_type FULL_STATE_DICT --fsdp_cpu_ram_efficient_loading true --fsdp_offload_params false -m ftgate.edges.worker "$1"' ftgate "$1" &
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
if [ -n "$stopped" ]; then
  # Out of time, or preempted: the same job goes on later from the checkpoint.
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$failed"
