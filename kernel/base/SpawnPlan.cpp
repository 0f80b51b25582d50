#include "base/SpawnPlan.h"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

extern char** environ;

namespace nanomq
{

SpawnPlan::SpawnPlan(int errors, const std::vector<int>& inherited)
{
    constexpr int kFirst = 3;
    ::posix_spawn_file_actions_init(&_actions);
    ::posix_spawnattr_init(&_attributes);
    ::posix_spawn_file_actions_addopen(&_actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&_actions, 1, "/dev/null", O_WRONLY, 0);
    ::posix_spawn_file_actions_adddup2(&_actions, errors, 2);
    const int end = kFirst + static_cast<int>(inherited.size());
    int next = kFirst;
    for (const int descriptor : inherited)
    {
        // One that has a number of another's place would be gone before it is copied.
        _moved.push_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, end));
        ::posix_spawn_file_actions_adddup2(&_actions, _moved.back(), next++);
    }
    ::posix_spawn_file_actions_addclosefrom_np(&_actions, end);
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&_attributes, &all);
    ::posix_spawnattr_setsigmask(&_attributes, &none);
    ::posix_spawnattr_setflags(&_attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

SpawnPlan::~SpawnPlan()
{
    ::posix_spawn_file_actions_destroy(&_actions);
    ::posix_spawnattr_destroy(&_attributes);
    for (const int descriptor : _moved)
        if (descriptor >= 0) ::close(descriptor);
}

int SpawnPlan::spawn(pid_t& child, const std::string& program, std::vector<std::string> arguments)
{
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    return ::posix_spawn(&child, program.c_str(), &_actions, &_attributes, pointers.data(), environ);
}

} // namespace nanomq
