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

# Put the exact version $1 of torch into .venv. It stands in no lock, because its builds differ:
# it comes from a folder of wheels where there is one, else as a build for the processor, or for
# what UV_TORCH_BACKEND says (cu130, auto). From /, because uv leaves it out within the project.
install_torch() {
    python=$PWD/.venv/bin/python
    folder=${UV_FIND_LINKS:-${PIP_FIND_LINKS:-}}
    if [ -n "$folder" ] && sh tools/uv.sh pip install --quiet --directory / --python "$python" \
        --no-index --find-links "$folder" "$1" 2>/dev/null; then
        return
    fi
    sh tools/uv.sh pip install --quiet --directory / --python "$python" \
        --torch-backend "${UV_TORCH_BACKEND:-cpu}" "$1"
}

stamp=.venv/.stamp
inputs="$PWD ${UV_PYTHON:-} ${UV_TORCH_BACKEND:-}
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
    torch=$(sed -n 's/^ *"\(torch==[^"]*\)",*$/\1/p' pyproject.toml)
    test -z "$torch" || install_torch "$torch"
    printf '%s\n' "$inputs" >$stamp
fi

if [ $# -gt 0 ]; then
    tool=$1
    shift
    exec ".venv/bin/$tool" "$@"
fi
