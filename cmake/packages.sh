# Sourced by ./demo and ./test: installs what the build needs, saying so. POSIX sh.
# Debian package names; everything comes from Debian 12's own archive.
toguna_packages="build-essential cmake ninja-build ccache pkg-config libsodium-dev libzmq3-dev libprotobuf-c-dev
 protobuf-c-compiler protobuf-compiler libsqlite3-dev libjansson-dev libzstd-dev libseccomp-dev libmicrohttpd-dev gettext scdoc python3"
toguna_test_packages="libcmocka-dev python3-nacl python3-cryptography python3-zmq strace valgrind"
# Bulletins as QR codes.
toguna_qr_packages="libqrencode-dev libzbar-dev libpng-dev libjpeg-dev"
toguna_fuzz_packages="clang-14 libclang-rt-14-dev libfuzzer-14-dev"

# The charts of the review console, and its tests, come through npm; without it there are none.
toguna_browser_packages="chromium fonts-dejavu-core"

# die SENTENCE...   one clear sentence, exit 4: something outside this program is missing
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 4; }

# say SENTENCE...   what is being done now
say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
[ -t 1 ] || say() { printf '==> %s\n' "$*"; }

missing_packages() {
  for package in "$@"; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || printf '%s ' "$package"
  done
}

# install_packages PACKAGE...   does nothing, and asks nobody, when all are there
install_packages() {
  command -v dpkg-query >/dev/null 2>&1 ||
    die "this is not a Debian system (no dpkg-query): install the libraries named in cmake/packages.sh by hand, then run cmake --preset release"
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  as_root=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 ||
      die "these packages are missing and you are neither root nor have sudo; ask an administrator to run: apt-get install $missing"
    as_root=sudo
  fi
  say "Installing with apt: $missing"
  log=$(mktemp)
  if ! { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    die "apt-get could not install: $missing (its whole output is in $log)"
  fi
  rm -f "$log"
}

# wish_for WHAT PACKAGE...   as install_packages, for what the build can do without: says so and goes on when it fails
wish_for() {
  what=$1
  shift
  (install_packages "$@") || say "Going on without $what"
}

# npm may have come from elsewhere than Debian
wish_for_npm() { command -v npm >/dev/null 2>&1 || wish_for "the console's charts" npm; }
