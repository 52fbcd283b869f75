# run.sh BUILD-FOLDER FILE...: main.go over vector files; 77 (skipped) where Go or its packages are missing. POSIX sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd); build=$1; shift
packages=/usr/share/gocode
skip() { echo "skipped: $*; apt-get install golang-go golang-golang-x-mod-dev"; exit 77; }
command -v go >/dev/null 2>&1 || skip "there is no Go here"
[ -d $packages/src/golang.org/x/mod/sumdb/tlog ] || skip "Go's package golang.org/x/mod is not in $packages"
mkdir -p "$build"
export GO111MODULE=off GOPATH="$build/gopath:$packages" GOCACHE="$build/cache" GOPROXY=off GOFLAGS=
go build -o "$build/check" "$here/main.go"
exec "$build/check" "$@"
