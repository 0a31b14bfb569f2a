#!/bin/sh
# Print requirements.lock as uv.lock has it: every version with its hashes, no address.
set -eu
# The files of torch differ from machine to machine, so they are locked in uv.lock alone.
if grep -q '^torch = \[' pyproject.toml; then
    set -- --no-group=torch
fi
exec sh tools/uv.sh export --quiet --locked --no-header --no-annotate --no-emit-project \
    --all-groups --format=requirements.txt "$@"
