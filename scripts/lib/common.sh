# shellcheck shell=bash
# What scripts/build, scripts/run and scripts/test share. Sourced, with $root set to the
# repository.
: "${root:?}"

# shellcheck source=scripts/lib/packages.sh
source "$root/scripts/lib/packages.sh"

# print_help FILE: the comment at the top of a script is its manual.
print_help()
{
    sed -n '2,/^$/{s/^# \{0,1\}//;p}' "$1"
}

# configure_tree FOLDER [CMAKE-ARGUMENT...]: says nothing unless it fails or takes the tree anew.
configure_tree()
{
    local tree=$root/$1
    shift
    local log
    if ! log=$(cmake -S "$root" -B "$tree" -G Ninja -DCMAKE_BUILD_TYPE=Release "$@" 2>&1)
    then
        printf '%s\n' "$log" >&2
        return 1
    fi
}

# build_tree FOLDER [TARGET...]: builds the targets, or everything. Progress goes to stderr.
build_tree()
{
    local tree=$root/$1
    shift
    (($# == 0)) && set -- all
    cmake --build "$tree" --target "$@" >&2
}
