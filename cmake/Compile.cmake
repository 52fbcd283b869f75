# Language level, warnings, hardening and sanitizers, the same for every target of ours.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(TOGUNA_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(toguna_flags INTERFACE)
target_compile_definitions(toguna_flags INTERFACE _GNU_SOURCE TOGUNA_VERSION="${PROJECT_VERSION}")
target_include_directories(toguna_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(toguna_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wformat=2
  -Wno-format-nonliteral -Werror
  -fno-common -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(toguna_flags INTERFACE -fcf-protection=full)
else()
  # clang-14 asks for this switch before it accepts zero initialisation.
  target_compile_options(toguna_flags INTERFACE
    -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
endif()
target_link_options(toguna_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")   # assertions stay on: a broken invariant is a crash

if(TOGUNA_FUZZ)   # coverage of the rooms, not only of the targets: a fuzzer that sees nothing finds nothing
  target_compile_options(toguna_flags INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(toguna_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TOGUNA_SANITIZE)
  target_compile_options(toguna_flags INTERFACE
    -fsanitize=${TOGUNA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(toguna_flags INTERFACE -fsanitize=${TOGUNA_SANITIZE})
  target_compile_definitions(toguna_flags INTERFACE TOGUNA_SANITIZED=1)
else()
  target_compile_options(toguna_flags INTERFACE $<$<CONFIG:RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)
endif()
