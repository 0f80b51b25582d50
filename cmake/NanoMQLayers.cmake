# The layers of the kernel, kept by the compiler.
#
#   nanomq_add_layer(topic SOURCES a.cpp b.cpp USES base wire [LINKS Poco::Foundation])
#
# makes the static library nanomq_topic from files of kernel/topic. Headers are included as
# "topic/TopicFilter.h". Each layer has an include root of its own (a folder in the build tree that
# holds one link, to that layer's sources), and a library sees its own root and those of the layers
# it USES. Including the header of any other layer does not compile.
function(nanomq_add_layer layer)
    cmake_parse_arguments(A "" "" "SOURCES;USES;LINKS" ${ARGN})
    set(root ${CMAKE_BINARY_DIR}/roots/${layer})
    file(MAKE_DIRECTORY ${root})
    if(NOT EXISTS ${root}/${layer})
        file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${layer} SYMBOLIC)
    endif()

    set(target nanomq_${layer})
    if(A_SOURCES)
        add_library(${target} STATIC ${A_SOURCES})
        set(scope PUBLIC)
    else()
        add_library(${target} INTERFACE)
        set(scope INTERFACE)
    endif()
    target_include_directories(${target} ${scope} ${root})
    foreach(used IN LISTS A_USES)
        if(used STREQUAL "sdk")
            target_link_libraries(${target} ${scope} nanomq_sdk)
        else()
            target_link_libraries(${target} ${scope} nanomq_${used})
        endif()
    endforeach()
    target_link_libraries(${target} ${scope} ${A_LINKS})
endfunction()
