#pragma once

#include <spawn.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace nanomq
{

/// Starts a program of ours with exactly the descriptors it is meant to have: 0 and 1 are
/// /dev/null, 2 is `errors`, and from 3 on those of `inherited`, in their order. Signals are as
/// the system has them by default. Nothing else is inherited: libraries open descriptors that
/// would be.
///
/// Thread: one at a time; blocks until the program runs.
class SpawnPlan
{
public:
    /// All stay the caller's, and must be open until spawn() has returned.
    SpawnPlan(int errors, const std::vector<int>& inherited);
    ~SpawnPlan();
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    /// Returns 0 and the child, or an errno number.
    int spawn(pid_t& child, const std::string& program, std::vector<std::string> arguments);

private:
    posix_spawn_file_actions_t _actions;
    posix_spawnattr_t _attributes;
    std::vector<int> _moved; // copies out of the way of the numbers from 3 on
};

} // namespace nanomq
