#!/bin/sh
# Print requirements.lock as uv.lock has it: every version with its hashes, no address.
set -eu
exec sh tools/uv.sh export --quiet --locked --no-header --no-annotate --no-emit-project \
    --all-groups --format=requirements.txt
