#!/bin/sh
# Makes or updates the checkout's .venv: bin/venv.sh [EXTRA ...], where an EXTRA is one of setup.cfg's.
# With --in NAME, before the extras, it is another environment beside .venv.
#
# Finds a Python for it, $PYTHON where that is set, and leaves the work to venv.py.
set -eu

bin=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)

suits() {
    "$1" -I -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 </dev/null
}

for python in ${PYTHON:+"$PYTHON"} python3.13 python3.12 python3.11 python3.10 python3; do
    if suits "$python"; then
        exec "$python" -I "$bin/venv.py" "$@"
    fi
    if [ "$python" = "${PYTHON:-}" ]; then
        echo "pyflink-stream: PYTHON=$PYTHON is not a Python 3.10 or newer with the modules venv and ensurepip." >&2
        exit 1
    fi
done

cat >&2 <<'MESSAGE'
pyflink-stream: found no Python 3.10 or newer with the modules venv and ensurepip.
Install one (on Debian and Ubuntu: apt install python3 python3-venv), or name the one to use:
PYTHON=/path/to/python3
MESSAGE
exit 1
