# Language level, warnings, sanitizers and the build tree's layout: build/bin and build/plugins.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
# g++ 12 at -O3 reports false -Wrestrict overlaps in std::string concatenation.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

set(NANOMQ_SANITIZE "" CACHE STRING "Empty, 'address' (with undefined behaviour) or 'thread'")
set_property(CACHE NANOMQ_SANITIZE PROPERTY STRINGS "" address thread)

add_compile_options(-Wall -Wextra -Werror -Wnon-virtual-dtor -Wno-error=deprecated-declarations)
if(NANOMQ_SANITIZE STREQUAL "address")
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
elseif(NANOMQ_SANITIZE STREQUAL "thread")
    add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
    add_link_options(-fsanitize=thread)
elseif(NOT NANOMQ_SANITIZE STREQUAL "")
    message(FATAL_ERROR "NANOMQ_SANITIZE is '${NANOMQ_SANITIZE}'; expected nothing, 'address' or 'thread'")
endif()
if(NANOMQ_SANITIZE)
    # Assertions on, lines in reports, and no warnings that g++ 12 gives for instrumented code only.
    add_compile_options(-O1 -g1 -UNDEBUG -Wno-maybe-uninitialized)
    # Several sources of a target in one translation unit: half the time, since most of it goes into
    # headers. The Release tree compiles each alone, and so finds a missing #include. What g++ says
    # of classes that use an unnamed namespace is about headers, and wrong here.
    set(CMAKE_UNITY_BUILD ON)
    set(CMAKE_UNITY_BUILD_BATCH_SIZE 6)
    add_compile_options(-Wno-subobject-linkage)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(NANOMQ_PLUGIN_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/plugins)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
