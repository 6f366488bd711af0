#!/bin/sh
# setup.sh VENV base|cluster|tune|shap|use|use-alone|dev: install the pinned requirements in the virtual
# environment. "cluster" adds packages to train on other machines, "tune" those for a search, "shap" that
# package, "use" those to use trained networks; "use-alone" installs only these, which is enough for an
# exported file. GPU=1 adds packages to train on a graphics card.
#
# For each requirements file there is a stamp in the environment with its checksum, written last. So an
# unfinished installation is noticed, changed pins are installed, and checking takes some milliseconds.
set -eu
venv=$1

is_installed() {
    [ "$(cat "$venv/.installed-$1" 2>/dev/null)" = "$(cksum < "$1")" ] && [ -x "$venv/bin/python" ]
}

install_file() {
    if is_installed "$1"; then return; fi
    rm -f "$venv/.installed-$1"
    echo "Installing what $1 pins; this is done once ..."
    if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$1"; then
        echo "Error: pip could not install $1 (see its message above). Check the network and the" >&2
        echo "free disk space, then run the same command again." >&2
        exit 1
    fi
    cksum < "$1" > "$venv/.installed-$1.$$"
    mv "$venv/.installed-$1.$$" "$venv/.installed-$1"
}

find_python() {
    # A Python that was named is used or refused, never replaced by another one.
    if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3 python3.13 python3.12 python3.11; fi
    for candidate in "$@"; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "Error: Python 3.11, 3.12 or 3.13 is needed; ${PYTHON:-python3} is $("${PYTHON:-python3}" --version 2>&1 || true)." >&2
    echo "Install one of them, or name it: make setup PYTHON=/path/to/python3.12" >&2
    exit 1
}

has_card() {
    if nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then return; fi
    for device in /dev/nvidia[0-9]* /dev/dxg; do # the second is in Windows' Subsystem for Linux
        if [ -e "$device" ]; then return; fi
    done
    return 1
}

# Whether something was installed here before, and Python still runs.
works() {
    ls "$venv"/.installed-* >/dev/null 2>&1 && "$venv/bin/python" -c '' 2>/dev/null
}

case $2 in
base) files=requirements.txt ;;
cluster) files="requirements.txt requirements-cluster.txt" ;;
tune) files="requirements.txt requirements-tune.txt" ;;
shap) files="requirements.txt requirements-shap.txt" ;;
use) files="requirements.txt requirements-use.txt" ;;
use-alone) files=requirements-use.txt ;;
dev) files="requirements.txt requirements-use.txt requirements-cluster.txt requirements-tune.txt requirements-dev.txt" ;;
esac
case ${GPU:-} in
1 | yes | true)
    if ! has_card; then
        echo "Error: GPU=1 needs an NVIDIA card, and there is none here: nvidia-smi lists none and" >&2
        echo "there is no /dev/nvidia0. Nothing was changed. If there is a card, install its driver;" >&2
        echo "if not, leave out GPU=1." >&2
        exit 1
    fi
    files="$files requirements-gpu.txt"
    ;;
esac
missing=
for file in $files; do
    if ! is_installed "$file"; then missing="$missing $file"; fi
done
if [ -z "$missing" ]; then exit 0; fi

# One command at a time: two at once would delete each other's files.
lock="$venv.setup-lock"
mkdir -p "$(dirname "$venv")"
if ! mkdir "$lock" 2>/dev/null; then
    holder=$(cat "$lock/process" 2>/dev/null || echo none)
    case $(ps -o stat= -p "$holder" 2>/dev/null) in
    "" | Z*) ;; # the process is dead, so the lock no longer counts
    *)
        echo "Error: process $holder is setting up $venv; wait for it, or stop it first." >&2
        exit 1
        ;;
    esac
fi
echo $$ > "$lock/process"
trap 'rm -rf "$lock"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if ! works; then
    # New, unfinished, or its Python was uninstalled: start with an empty folder. But delete only what
    # this script has made.
    if [ -e "$venv" ] && [ -n "$(ls -A "$venv")" ] && ! [ -e "$venv/.made-by-setup" ]; then
        echo "Error: $venv exists and was not made by this command; delete it, or choose another" >&2
        echo "folder: make VENV=/some/where ..." >&2
        exit 1
    fi
    python=$(find_python)
    rm -rf "$venv"
    mkdir -p "$venv"
    touch "$venv/.made-by-setup"
    echo "Making the virtual environment $venv with $("$python" --version) ..."
    if ! "$python" -m venv "$venv"; then
        rm -rf "$venv"
        echo "Error: Python could not make it (on Debian and Ubuntu: apt install python3-venv)." >&2
        exit 1
    fi
fi
if [ "$2" = shap ] && ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 12))'; then
    echo "Error: SHAP=1 needs Python 3.12 or later, and $venv has $("$venv/bin/python" --version)." >&2
    echo "Make another environment: make explain SHAP=1 VENV=.venv-3.12 PYTHON=python3.12" >&2
    exit 1
fi
for file in $files; do install_file "$file"; done
