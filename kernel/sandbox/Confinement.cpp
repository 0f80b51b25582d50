#include "sandbox/Confinement.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace nanomq::sandbox
{

namespace
{

constexpr rlim_t kMaxDescriptors = 256;

constexpr const char* kForbidden[] = {
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd",
    "kcmp", "mount", "umount2", "pivot_root", "chroot", "move_mount", "fsopen", "open_tree",
    "unshare", "setns", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
    "setgroups", "setfsuid", "setfsgid", "capset", "init_module", "finit_module",
    "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "bpf",
    "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "acct", "quotactl",
    "open_by_handle_at", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl",
    "ioperm", "sethostname", "setdomainname", "syslog", "vhangup", "setrlimit", "io_uring_setup",
};

std::optional<std::string> failed(const char* what, int error)
{
    return std::string(what) + ": " + std::strerror(error);
}

bool limit(int resource, rlim_t value) noexcept
{
    const rlimit both{value, value};
    return ::setrlimit(static_cast<__rlimit_resource_t>(resource), &both) == 0;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimitMemory = false; // sanitizers take terabytes of it
#else
constexpr bool kLimitMemory = true;
#endif

} // namespace

std::optional<std::string> confine(const Limits& limits)
{
    if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_NOFILE, kMaxDescriptors) ||
        (kLimitMemory && !limit(RLIMIT_DATA, limits.memoryBytes)))
        return failed("limiting the process", errno);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return failed("giving up new privileges", errno);

    const std::unique_ptr<void, void (*)(void*)> filter(::seccomp_init(SCMP_ACT_ALLOW),
                                                        ::seccomp_release);
    if (!filter) return "making a filter of system calls: out of memory";
    for (const char* name : kForbidden)
    {
        const int number = ::seccomp_syscall_resolve_name(name);
        if (number == __NR_SCMP_ERROR) continue; // this machine has none of that name
        if (const int error =
                ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), number, 0))
            return failed(name, -error);
    }
    if (!limits.network)
        if (const int error = ::seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM),
                                                 SCMP_SYS(socket), 1,
                                                 SCMP_A0(SCMP_CMP_NE, AF_UNIX)))
            return failed("socket", -error);
    if (const int error = ::seccomp_load(filter.get()))
        return failed("loading the filter of system calls", -error);
    return std::nullopt;
}

} // namespace nanomq::sandbox
