#!/usr/bin/env bash
# Installs ftgate from the directory above this file into $RUNNER_TEMP/ftgate, from locks with hashes.
#   install.sh light|train      PYTHON names the interpreter; python3 by default
set -euo pipefail
kind=$1
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-python3}
venv=$RUNNER_TEMP/ftgate

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "::error::ftgate needs Python 3.11 or newer; $python is older. Name another one with the input 'python'."
  exit 2
}
# -I everywhere: neither the working directory nor PYTHONPATH may bring a module.
pip() { "$venv/bin/python" -I -m pip --disable-pip-version-check install --quiet --no-deps "$@"; }
locked() { pip --require-hashes --only-binary :all: -r "$source/requirements/$1.txt"; }

has_torch() {
  wanted=$(sed -n 's/^torch==\([^ ]*\).*/\1/p' "$source/requirements/torch.txt")
  found=$("$python" -I -c 'import importlib.metadata as m; print(m.version("torch").partition("+")[0])' 2>/dev/null) &&
    [ "$found" = "$wanted" ]
}

if [ "$kind" = train ] && has_torch; then
  # The image brings this torch, built for its own driver: nothing is fetched. Everything else still comes from the lock.
  "$python" -I -m venv --system-site-packages "$venv"
else
  "$python" -I -m venv "$venv"
fi
locked light
if [ "$kind" = train ]; then
  has_torch || locked torch
  locked train
fi
# Its build tool is in the lock, so that building fetches nothing.
pip --no-index --no-build-isolation "$source"
"$venv/bin/ftgate" --version
