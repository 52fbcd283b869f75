#!/bin/sh
# Installs libtoguna into a fresh folder and uses it as a stranger would: by pkg-config, shared and static, and by CMake.
# What is compiled is the example in toguna.h. usage: installed.sh BUILD_FOLDER COMPILER CMAKE [SANITIZER_FLAG]
set -eu
build=$1 cc=$2 cmake=$3 flags=${4:-}
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT
"$cmake" --install "$build" --component libtoguna --prefix "$at/prefix" >"$at/log" || { cat "$at/log"; exit 1; }
lib=$(dirname "$(find "$at/prefix" -name libtoguna.so)")
# An installed prefix may be anywhere; the .pc file names the one that was configured.
pc() { PKG_CONFIG_PATH=$lib/pkgconfig pkg-config --define-variable=prefix="$at/prefix" "$@" toguna; }

# The example: the lines of the opening comment that are indented as code.
{
  printf '#include <toguna.h>\n#include <stdio.h>\nint main(void)\n{\n'
  sed -n '/^ \*\//q; s/^ \*   //p' "$at/prefix/include/toguna.h"
  printf '  printf("%%s\\n", toguna_self(node)->node);\n  toguna_close(node);\n  return 0;\n}\n'
} >"$at/example.c"
grep -q toguna_open "$at/example.c"

check() { # the program runs, speaks one sentence and ends with "cannot reach"
  code=0
  TOGUNA_SOCKET=$at/none.sock LD_LIBRARY_PATH=$lib "$1" >"$at/out" 2>"$at/err" || code=$?
  [ "$code" = 4 ] && [ ! -s "$at/out" ] && [ "$(wc -l <"$at/err")" = 1 ] && grep -q none.sock "$at/err" && return
  echo "$1 ended with $code and said: $(cat "$at/err")"
  exit 1
}

$cc -std=c99 -Wall -Wextra -Werror $flags -o "$at/shared" "$at/example.c" $(pc --cflags --libs)
check "$at/shared"
$cc -std=c99 -Wall -Wextra -Werror $flags -o "$at/static" "$at/example.c" $(pc --cflags) "$lib/libtoguna.a" \
  $(pc --static --libs | sed 's/-ltoguna//')
check "$at/static"

mkdir "$at/project"
cp "$at/example.c" "$at/project"
cat >"$at/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.25)
project(example LANGUAGES C)
find_package(toguna 0.1 REQUIRED)
add_executable(example example.c)
target_link_libraries(example PRIVATE toguna::toguna)
END
{ "$cmake" -S "$at/project" -B "$at/project/build" -DCMAKE_PREFIX_PATH="$at/prefix" -DCMAKE_C_COMPILER="$cc" \
    -DCMAKE_C_FLAGS="$flags" && "$cmake" --build "$at/project/build"; } >"$at/log" 2>&1 || { cat "$at/log"; exit 1; }
check "$at/project/build/example"

# Nothing is visible but what toguna.h declares, and it is all there.
nm -D --defined-only "$lib/libtoguna.so" | awk '{print $3}' | sort >"$at/visible"
nm -g --defined-only "$lib/libtoguna.a" | awk 'NF == 3 {print $3}' | sort >"$at/visible.static"
sed -n 's/^TOGUNA_API .*[ *]\(toguna_[a-z_]*\)(.*/\1/p' "$at/prefix/include/toguna.h" | sort -u >"$at/declared"
diff "$at/declared" "$at/visible"
diff "$at/declared" "$at/visible.static"
readelf -d "$lib/libtoguna.so" | grep -q 'SONAME.*libtoguna.so.0'
