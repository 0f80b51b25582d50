# nanomq_add_plugin(NAME SOURCES a.cpp … [LIBRARIES Poco::Net …] [CONF name.conf] [SCHEMA name.json])
#
# Builds the plugin NAME as the library NAME.so, in the way that lets the broker load it, replace it
# while it runs and unmap it again: one exported symbol, no unique symbols, every function resolved
# when it is linked and when it is loaded. CONF is its configuration file, installed beside the
# others. SCHEMA describes the keys of that file; it is put into the library, where the broker reads
# it without running the plugin. The target is called NAME_plugin.
#
# nanomq_add_c_plugin(NAME VERSION 1.0.0 SOURCES a.c … [FLAGS NANOMQ_PLUGIN_… …] [LIBRARIES …] [CONF …] [SCHEMA …])
#
# The same for a plugin in C (nanomq/c.h): compiles the SDK's shim in C++ into it, so the project needs
# both languages. FLAGS are those of abi.h; NANOMQ_PLUGIN_RELOAD_OVERLAP if none are given.
#
# Where it is put: ${NANOMQ_PLUGIN_OUTPUT_DIRECTORY}, or else <build>/plugins. Installed with the others,
# unless NANOMQ_PLUGIN_INSTALL is set and false.

set(NANOMQ_SDK_PLUGIN_MAP "${CMAKE_CURRENT_LIST_DIR}/../plugin.map" CACHE INTERNAL
    "The linker's version script for plugins")
set(NANOMQ_SDK_C_SHIM "${CMAKE_CURRENT_LIST_DIR}/../shim/c_plugin.cpp" CACHE INTERNAL
    "What makes a plugin of C functions")

function(nanomq_add_plugin name)
    cmake_parse_arguments(A "" "CONF;SCHEMA" "SOURCES;LIBRARIES" ${ARGN})
    if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
        message(FATAL_ERROR "nanomq_add_plugin: '${name}' is no plugin name; expected [a-z][a-z0-9_]{0,30}")
    endif()
    if(NOT A_SOURCES OR A_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "nanomq_add_plugin(${name}): expected SOURCES …, [LIBRARIES …], [CONF file], [SCHEMA file]")
    endif()
    set(folder ${NANOMQ_PLUGIN_OUTPUT_DIRECTORY})
    if(NOT folder)
        set(folder ${CMAKE_BINARY_DIR}/plugins)
    endif()

    set(target ${name}_plugin)
    add_library(${target} MODULE ${A_SOURCES})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME ${name} SUFFIX .so
        LIBRARY_OUTPUT_DIRECTORY ${folder}
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        LINK_DEPENDS ${NANOMQ_SDK_PLUGIN_MAP}
        # The broker loads a private copy, so a path relative to the file would point elsewhere.
        BUILD_RPATH_USE_ORIGIN OFF)
    target_compile_features(${target} PRIVATE cxx_std_20)
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
    target_link_libraries(${target} PRIVATE nanomq::sdk ${A_LIBRARIES})
    target_link_options(${target} PRIVATE
        -Wl,--version-script=${NANOMQ_SDK_PLUGIN_MAP} -Wl,-z,now -Wl,--gc-sections)
    # A sanitized library leaves the sanitizer's functions to the program.
    if(NOT NANOMQ_SANITIZE AND NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
        target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()

    if(A_SCHEMA)
        # A section that is not loaded, so it takes no memory; R(etain) keeps --gc-sections from it.
        get_filename_component(schema ${A_SCHEMA} ABSOLUTE)
        set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}_schema.cpp)
        file(CONFIGURE OUTPUT ${source} @ONLY CONTENT [=[
__asm__(".pushsection .nanomq.schema,\"R\",@progbits\n.incbin \"@schema@\"\n.popsection");
]=])
        set_source_files_properties(${source} PROPERTIES OBJECT_DEPENDS ${schema})
        target_sources(${target} PRIVATE ${source})
    endif()

    if(DEFINED NANOMQ_PLUGIN_INSTALL AND NOT NANOMQ_PLUGIN_INSTALL)
        return()
    endif()
    include(GNUInstallDirs)
    install(TARGETS ${target} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/nanomq/plugins)
    if(A_CONF)
        install(FILES ${A_CONF} DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/nanomq/conf.d)
    endif()
endfunction()

function(nanomq_add_c_plugin name)
    cmake_parse_arguments(A "" "VERSION;CONF;SCHEMA" "SOURCES;LIBRARIES;FLAGS" ${ARGN})
    if(NOT A_VERSION OR NOT A_SOURCES OR A_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "nanomq_add_c_plugin(${name}): expected VERSION v, SOURCES …, [FLAGS …], "
                            "[LIBRARIES …], [CONF file], [SCHEMA file]")
    endif()
    if(NOT A_FLAGS)
        set(A_FLAGS NANOMQ_PLUGIN_RELOAD_OVERLAP)
    endif()
    list(JOIN A_FLAGS "|" flags)
    set(options LIBRARIES ${A_LIBRARIES})
    foreach(option CONF SCHEMA)
        if(A_${option})
            list(APPEND options ${option} ${A_${option}})
        endif()
    endforeach()
    # A copy for each plugin: a source has its definitions once in a folder.
    set(shim ${CMAKE_CURRENT_BINARY_DIR}/${name}_shim.cpp)
    configure_file(${NANOMQ_SDK_C_SHIM} ${shim} COPYONLY)
    nanomq_add_plugin(${name} SOURCES ${A_SOURCES} ${shim} ${options})
    set_source_files_properties(${shim} PROPERTIES COMPILE_DEFINITIONS
        "NANOMQ_C_PLUGIN_NAME=\"${name}\";NANOMQ_C_PLUGIN_VERSION=\"${A_VERSION}\";NANOMQ_C_PLUGIN_FLAGS=${flags}")
    set_target_properties(${name}_plugin PROPERTIES C_VISIBILITY_PRESET hidden)
endfunction()
