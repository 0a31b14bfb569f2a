#!/bin/sh
# Bring .venv in line with the lock, then run the command given, if any, from it.
#
#   sh tools/environment.sh                 only the environment
#   sh tools/environment.sh ruff check .    that tool, as it is locked
#
# Nothing is done while the stamp still describes the lock, this folder and the chosen
# Python. The stamp is written last, so an interrupted set-up is simply taken up again.
set -eu
cd -- "$(dirname -- "$0")/.."

stamp=.venv/.stamp
inputs="$PWD ${UV_PYTHON:-}
$(cksum pyproject.toml uv.lock requirements.lock .python-version 2>/dev/null || true)"

if ! [ -x .venv/bin/python ] || [ "$inputs" != "$(cat $stamp 2>/dev/null)" ]; then
    rm -f $stamp
    python=$(sh tools/python.sh)
    if grep -q '^source = { registry = "\." }' uv.lock; then
        # The lock holds versions only, until somebody completes it with `make lock`: the
        # hashes are then those of requirements.lock, and uv.lock stays as it is.
        echo "Setting up .venv from requirements.lock, on $python" >&2
        sh tools/uv.sh venv --quiet --allow-existing --python "$python" .venv
        sh tools/uv.sh pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
        sh tools/uv.sh pip install --quiet --python .venv/bin/python --no-deps --editable .
    else
        echo "Setting up .venv from uv.lock, on $python" >&2
        sh tools/uv.sh sync --quiet --locked --python "$python"
    fi
    printf '%s\n' "$inputs" >$stamp
fi

if [ $# -gt 0 ]; then
    tool=$1
    shift
    exec ".venv/bin/$tool" "$@"
fi
