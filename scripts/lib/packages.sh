# shellcheck shell=bash
# The Debian 12 packages of this project, each with its reason, and a function that installs
# those that are missing. Sourced by scripts/build, scripts/run and scripts/test.

# What it takes to configure the build tree, and to build and run the broker.
# shellcheck disable=SC2034  # used by the scripts that source this file
build_packages=(
    g++             # version 12: C++20
    cmake           # 3.25: the build description
    ninja-build     # runs it; knows by itself how many jobs the machine takes
    ccache          # a rebuild after "git switch" or in another tree takes seconds
    pkg-config      # finds libraries that bring no CMake file, such as CppUnit
    libpoco-dev     # Poco 1.11: logging, configuration, HTTP, JSON, TLS contexts, ClassLoader
    libssl-dev      # OpenSSL 3: TLS inside the event loop, certificates
    libseccomp-dev  # libseccomp: which system calls a sandboxed plugin may make
    libsqlite3-dev  # SQLite: the disk spool of webhook
    libcppunit-dev  # the tests are part of the one build tree, so configuring looks for it
)

# What the tests use beyond that.
# shellcheck disable=SC2034
test_packages=(
    clang              # version 14: libFuzzer and clang-tidy's front end
    libclang-rt-14-dev # libFuzzer itself; a recommendation of clang, which we do not follow
    libbenchmark-dev   # Google Benchmark: test/bench/micro_bench
    mosquitto          # an independent broker: the far end of bridges
    mosquitto-clients  # independent clients: mosquitto_pub, mosquitto_sub
    python3            # the layers test, small HTTP servers, Paho
    python3-paho-mqtt  # a second independent client, 3.1.1 and 5.0
    node-mqtt          # MQTT.js, the client of browsers: MQTT over WebSocket
    doxygen            # the SDK's reference from its headers; any warning is a failure
    openssl            # makes the certificates of the TLS tests
    util-linux         # setarch, for the thread sanitizer on kernels with a very random layout
)

# What scripts/abi uses.
# shellcheck disable=SC2034
abi_packages=(
    abigail-tools # abidiff: what has changed between two versions of a binary interface
)

# install_missing NAME...: installs with apt what dpkg does not have. When nothing is missing it
# costs one dpkg-query, and needs neither network nor rights.
install_missing()
{
    if ! command -v dpkg-query >/dev/null
    then
        echo "This is not Debian; it needs the counterparts of: $*" >&2
        return 0
    fi

    local installed name missing=()
    # dpkg-query fails if any of the names is unknown, and that is what we want to find out.
    installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
    for name in "$@"
    do
        grep -qxF "$name installed" <<<"$installed" || missing+=("$name")
    done
    ((${#missing[@]} == 0)) && return 0

    local as_root=()
    if ((EUID != 0))
    then
        if ! command -v sudo >/dev/null
        then
            {
                echo "Missing packages, and neither root nor sudo to install them. As root:"
                echo "    apt-get install --no-install-recommends ${missing[*]}"
            } >&2
            return 1
        fi
        as_root=(sudo)
    fi

    echo "Installing: ${missing[*]}" >&2
    local server=no
    [[ " ${missing[*]} " == *" mosquitto "* ]] && server=yes
    [[ $server == no ]] || hold_back_mosquitto "${as_root[@]}"
    local failed=0
    # Standard output is for what the scripts start, such as the broker's ready line.
    {
        "${as_root[@]}" apt-get update -q &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >&2 || failed=$?
    [[ $server == no ]] || leave_mosquitto_off "${as_root[@]}"
    return "$failed"
}

# Debian starts a server when its package is installed. The tests start mosquitto themselves, on
# ports of their own, and a second broker on 1883 would be in our way. So, where systemd runs,
# the unit is masked while apt works (until the next boot at most, should we be interrupted), and
# then left installed but disabled. A mosquitto that was there before is not touched.
hold_back_mosquitto() # [sudo]
{
    [[ -d /run/systemd/system ]] || return 0
    "$@" systemctl mask --runtime --quiet mosquitto.service || true
}

leave_mosquitto_off() # [sudo]
{
    if [[ -d /run/systemd/system ]]
    then
        "$@" systemctl disable --quiet mosquitto.service 2>/dev/null || true
        "$@" systemctl unmask --runtime --quiet mosquitto.service || true
    elif [[ -x /etc/init.d/mosquitto ]]
    then
        # Other inits, and containers with none: nothing can be masked, but it can be stopped.
        "$@" /etc/init.d/mosquitto stop >/dev/null 2>&1 || true
        "$@" update-rc.d mosquitto disable >/dev/null 2>&1 || true
    fi
}
