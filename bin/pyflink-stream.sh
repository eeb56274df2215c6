#!/bin/sh
# Runs pyflink-stream from its checkout. The first use makes the checkout's .venv; see venv.sh.
#
# Every start passes through here, so there is no other process until Python's own, and nothing is
# exported: the environment of the user's program is the caller's.
set -eu

self=$0
while [ -L "$self" ]; do
    target=$(readlink "$self")
    case $target in
        /*) self=$target ;;
        *) self=${self%"${self##*/}"}$target ;;
    esac
done
case $self in
    */*) bin=${self%/*} ;;
    *) bin=. ;;
esac
checkout=$(CDPATH='' cd -- "$bin/.." && pwd -P)
venv=$checkout/.venv

if [ ! -x "$venv/bin/python" ] || [ ! -f "$venv/installed" ] || [ "$checkout/setup.cfg" -nt "$venv/installed" ]; then
    "$checkout/bin/venv.sh"
elif [ -n "${PYTHON:-}" ] && python=$(command -v "$PYTHON") && ! [ "$python" -ef "$venv/bin/python" ]; then
    # Another Python than that of the .venv, perhaps: venv.py says so.
    "$checkout/bin/venv.sh" || :
fi

# As a file and not with -m: that is faster, and Python never looks for a module in the working directory.
exec "$venv/bin/python" "$checkout/runner/pyflink_stream/__main__.py" "$@"
