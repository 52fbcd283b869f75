# toguna_room(name SOURCES ... LINK ...)   one room = one static library toguna_<name>
function(toguna_room name)
  cmake_parse_arguments(R "" "" "SOURCES;LINK" ${ARGN})
  add_library(toguna_${name} STATIC ${R_SOURCES})
  target_link_libraries(toguna_${name} PUBLIC toguna_flags ${R_LINK})
endfunction()

# toguna_proto(target file.proto...)   protobuf-c code in the build tree, as a static library whose
# headers are SYSTEM, so that generated code is held to its generator's standard and not to ours.
# LINK names the toguna_proto() targets whose schemas this one imports.
function(toguna_proto target)
  cmake_parse_arguments(P "" "" "FILES;LINK" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/gen)
  set(sources)
  foreach(file ${P_FILES})
    get_filename_component(base ${file} NAME_WE)
    get_filename_component(room ${CMAKE_CURRENT_SOURCE_DIR} NAME)
    set(c ${out}/${room}/${base}.pb-c.c)
    add_custom_command(
      OUTPUT ${c} ${out}/${room}/${base}.pb-c.h
      COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
      COMMAND ${PROTOC_C} --c_out=${out} -I${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/${room}/${file}
      DEPENDS ${file} VERBATIM)
    list(APPEND sources ${c})
  endforeach()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} SYSTEM PUBLIC ${out})
  target_link_libraries(${target} PUBLIC PkgConfig::PROTOBUF_C ${P_LINK})
  if(TOGUNA_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TOGUNA_SANITIZE})
  endif()
endfunction()

# toguna_test(name SOURCES ... LINK ... [TIMEOUT s] [LABELS ...])   one cmocka program, one ctest entry
function(toguna_test name)
  cmake_parse_arguments(T "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 60)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE ${T_LINK} PkgConfig::CMOCKA)
  target_compile_definitions(${name} PRIVATE TEST_VECTORS="${PROJECT_SOURCE_DIR}/tests/vectors")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}")
endfunction()

# toguna_fuzz(name SOURCES ... LINK ...)   one libFuzzer target with its corpus tests/fuzz/corpus/<name>;
# under ctest it replays the corpus and then runs briefly.
function(toguna_fuzz name)
  if(NOT TOGUNA_FUZZ)
    return()
  endif()
  cmake_parse_arguments(F "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${F_SOURCES})
  if(NOT TARGET fuzzers)
    add_custom_target(fuzzers)
  endif()
  add_dependencies(fuzzers ${name})
  target_link_libraries(${name} PRIVATE ${F_LINK})
  target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
  set(found ${CMAKE_CURRENT_BINARY_DIR}/found/${name})
  file(MAKE_DIRECTORY ${found})
  add_test(NAME ${name} COMMAND ${name} -max_total_time=4 -timeout=10 -rss_limit_mb=2048
           -artifact_prefix=${found}/ ${found} ${corpus})
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
endfunction()
