# Make the environment folder $1 from requirements.lock, with the interpreter $2 if one is named.
# Does nothing where the folder already holds this very lock.
venv=$1
named=$2
wanted=${named:-python3 python3.13 python3.12 python3.11}
child= half=

fail() { echo "error: $*" >&2; exit 1; }

usable() {  # run it: a shim may be on the path and lead nowhere
    "$1" -I -c 'import sys, venv, ensurepip
sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

whole() {  # it runs, holds this lock, and is of the version that was named, if one was
    "$venv/bin/python" -I -c '' 2>/dev/null && cmp -s requirements.lock "$venv/requirements.lock" &&
        { [ -z "$named" ] || [ "$("$named" -V 2>&1)" = "$("$venv/bin/python" -V)" ]; }
}

run() {  # as a group of its own, so that a signal here ends what it started too
    "$@" & child=$!
    wait "$child"; code=$?
    child=
    return $code
}
group='import os, sys; os.setpgid(0, 0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])'

stop() {  # half an environment is none
    trap '' INT TERM HUP
    [ -z "$child" ] || { kill -s TERM -- "-$child" || kill "$child"; wait "$child"; } 2>/dev/null
    rm -rf "$venv/tmp"
    [ -z "$half" ] || rm -rf "$venv"
    echo "interrupted${half:+; $venv was removed}" >&2
    exit "$1"
}

pip() {  # its temporary files lie there too: on the disk that was looked at, and gone at the end
    mkdir -p "$venv/tmp" && run env TMPDIR="$venv/tmp" "$venv/bin/python" -I -c "$group" \
        -I book/environment.py -m pip install -qq "$@"
    code=$?
    rm -rf "$venv/tmp"
    return $code
}

trap 'stop 130' INT
trap 'stop 143' TERM
trap 'stop 129' HUP

if ! whole; then
    [ ! -e "$venv" ] || [ -e "$venv/pyvenv.cfg" ] || fail "$venv is there, and no environment"
    python=
    for candidate in $wanted; do
        usable "$candidate" && { python=$candidate; break; }
    done
    [ "$python" ] || fail "no Python 3.11 to 3.13 with venv and ensurepip found (tried: $wanted);" \
        "install one (on Debian with its python3-venv package), or name it: make PYTHON=..."
    free=$(df -Pk . | awk 'NR == 2 {print int($4 / 1024)}')
    [ "$free" -ge 3072 ] || fail "$free MiB free here; the environment and the book need 3 GiB"
    echo "setting up $venv with $("$python" -V): a few minutes, once"
    half=1
    { run "$python" -I -c "$group" -I -m venv --clear "$venv" &&
        pip --require-hashes -r requirements.lock; } ||
        { rm -rf "$venv"; fail "pip could not install requirements.lock (see above);" \
            "$venv was removed"; }
    cp requirements.lock "$venv/requirements.lock"
    half=
fi

# the library itself, from this folder; anew after the folder has moved
"$venv/bin/python" -I -c 'import importlib.util, os, sys
found = importlib.util.find_spec("specialization")
here = os.path.realpath(sys.argv[1])
sys.exit(not (found and os.path.realpath(found.origin or "").startswith(os.path.join(here, ""))))' lib ||
    pip --no-deps --no-build-isolation -e . ||
    fail "pip could not install the library of this folder (see above)"
