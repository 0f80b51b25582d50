# Does the SDK, as it is installed, do for people who have nothing else of us?
#   cmake -D BUILD=… -D FOLDER=… -D EXAMPLES=… -D TEST=… -D BROKER=… -D CTL=… -P installedSdk.cmake
# installs it, builds the examples against it, and runs the test that loads them; then it does what
# a newcomer does: a project from `nanomqctl plugin new`, its tests, and `plugin check`.

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(NOT result EQUAL 0)
        list(JOIN ARGN " " command)
        message(FATAL_ERROR "${command}: ${result}\n${said}")
    endif()
endfunction()

file(REMOVE_RECURSE ${FOLDER})
run(${CMAKE_COMMAND} --install ${BUILD} --component sdk --prefix ${FOLDER}/sdk)
# Copied out of the tree, so that nothing of the tree can be found by a relative path.
file(COPY ${EXAMPLES}/ DESTINATION ${FOLDER}/examples)
file(GLOB examples LIST_DIRECTORIES true ${FOLDER}/examples/*)
foreach(example IN LISTS examples)
    run(${CMAKE_COMMAND} -S ${example} -B ${example}/build -DCMAKE_PREFIX_PATH=${FOLDER}/sdk
        -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
    run(${CMAKE_COMMAND} --build ${example}/build)
endforeach()
set(ENV{NANOMQ_EXAMPLES} ${FOLDER}/examples)
run(${TEST})

run(${CTL} plugin new water_meter --dir ${FOLDER}/water_meter)
run(${CMAKE_COMMAND} -S ${FOLDER}/water_meter -B ${FOLDER}/water_meter/build
    -DCMAKE_PREFIX_PATH=${FOLDER}/sdk -DNANOMQ_BROKER=${BROKER}
    -DCMAKE_BUILD_TYPE=Release "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
run(${CMAKE_COMMAND} --build ${FOLDER}/water_meter/build)
run(${CMAKE_CTEST_COMMAND} --test-dir ${FOLDER}/water_meter/build --output-on-failure --no-tests=error)
run(${CTL} plugin check --broker ${BROKER} ${FOLDER}/water_meter/build/plugins/water_meter.so)
