# each.sh VECTORS PYTHON SCRIPT...: what one implementation makes now, the other accepts and refuses as stated. POSIX sh.
set -eu
first=$1; shift
made=$(mktemp -d); trap 'rm -rf "$made"' EXIT
"$first" make >"$made/first.json"
"$@" check "$made/first.json"
"$@" make >"$made/second.json"
"$first" check "$made/second.json"
