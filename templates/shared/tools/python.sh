#!/bin/sh
# Print the Python interpreter that the environment is built on.
#
# In order: UV_PYTHON when the user set it; where torch comes from a folder of wheels, the version
# that it is there for; the version of .python-version; the interpreter of the present .venv; any
# other supported one on PATH; one that uv knows.
set -eu

minor=$(sed -n 's/^requires-python = ">=3\.\([0-9]*\)".*/\1/p' pyproject.toml)

# Print the path of interpreter $1 if it is supported, looking from folder $2 (a version
# manager's shim answers by the folder that it is called in).
supported() {
    (cd "$2" && "$1" -c "import sys
if sys.version_info < (3, $minor): sys.exit(1)
print(sys.executable)") 2>/dev/null
}

if [ -n "${UV_PYTHON:-}" ]; then
    echo "$UV_PYTHON"
    exit
fi

with_torch=
if grep -q '^ *"torch==' pyproject.toml; then
    for wheel in "${UV_FIND_LINKS:-${PIP_FIND_LINKS:-/nowhere}}"/torch-*-cp3*.whl; do
        found=$(expr "$wheel" : '.*-cp3\([0-9]*\)-cp') && with_torch="$with_torch python3.$found"
    done
fi

preferred=$(sed -n 1p .python-version 2>/dev/null || true)
for name in $with_torch "python$preferred" "$PWD/.venv/bin/python" \
    python3.13 python3.12 python3.11 python3 python; do
    supported "$name" . && exit
    supported "$name" / && exit
done

if command -v uv >/dev/null 2>&1; then
    UV_PYTHON_DOWNLOADS=never uv python find ">=3.$minor" 2>/dev/null && exit
fi

echo "No Python 3.$minor or newer was found." \
    "Install one, or name one: UV_PYTHON=/path/to/python make ..." >&2
exit 1
