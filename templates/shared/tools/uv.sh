#!/bin/sh
# Run uv with the arguments given: the one on PATH when it is recent enough, else the one
# that is fetched, once, into .tools/ of this project.
set -eu

version=0.13.9

# A lock is read and written by one line of uv releases, whoever calls it.
recent() {
    case "$("$1" --version 2>/dev/null)" in
        "uv 0.1"[3-9].* | "uv 0."[2-9][0-9].* | "uv "[1-9]*) return 0 ;;
        *) return 1 ;;
    esac
}

# This project and its own environment are meant, whatever the user has set for other work.
unset VIRTUAL_ENV UV_PROJECT_ENVIRONMENT UV_PROJECT UV_FROZEN UV_LOCKED UV_NO_DEV UV_NO_SYNC

if recent uv; then
    exec uv "$@"
fi
if ! recent .tools/bin/uv; then
    # UV_PYTHON may be a version that only uv can find; to fetch uv, any Python will do.
    python=$(UV_PYTHON='' sh tools/python.sh)
    echo "Fetching uv $version into .tools/" >&2
    if ! {
        "$python" -m venv --clear .tools &&
            PIP_USER=0 .tools/bin/python -m pip install --quiet --disable-pip-version-check \
                "uv==$version"
    } >&2; then
        rm -rf .tools
        echo "uv $version could not be fetched: connect to a package index once, or" \
            "install uv yourself and put it on PATH." >&2
        exit 1
    fi
fi
exec .tools/bin/uv "$@"
