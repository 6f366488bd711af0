#!/bin/sh
# Make the virtual environment $1 hold exactly what the requirements files $2... pin.
#
# A file in the environment, written last, has the checksum of what was installed: an environment
# whose making was killed half-way, or whose pins have changed since, does not match and is completed
# (same Python) or made anew. Checking a finished one takes a few milliseconds.
set -eu
venv=$1
shift
stamp="$venv/.installed"
wanted=$(cat "$@" | cksum)
[ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && exit 0

if [ -e "$venv" ] && [ -n "$(ls -A "$venv")" ] && [ ! -e "$venv/pyvenv.cfg" ]; then
    echo "Error: VENV=$venv exists and is no virtual environment; name another place." >&2
    exit 1
fi
for python in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 ""; do
    [ -n "$python" ] || continue
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break
done
if [ -z "$python" ]; then
    echo "Error: Python 3.11, 3.12 or 3.13 is needed; found $(python3 --version 2>&1 || echo none)." >&2
    echo "Install one of them, or name it: make setup PYTHON=/path/to/python3.12" >&2
    exit 1
fi

# A finished environment that only lacks the new pins is kept; a half-made one is not trusted.
[ -e "$stamp" ] || rm -rf "$venv"
rm -f "$stamp"
if [ ! -x "$venv/bin/python" ]; then
    echo "Making the virtual environment $venv with $("$python" --version) ..."
    if ! "$python" -m venv "$venv"; then
        echo "Error: Python could not make a virtual environment (on Debian: apt install python3-venv)." >&2
        exit 1
    fi
fi
echo "Installing what is pinned (TensorFlow's CPU build alone is a download of 274 MB; once only) ..."
for file in "$@"; do
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$file"
done
echo "$wanted" > "$stamp.$$"
mv "$stamp.$$" "$stamp"
