#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nanomq
{

/// How many connections come from each address. An address without any takes no room.
/// Thread: [any].
class AddressCounts
{
public:
    /// Counts one more; false, and nothing is counted, when there are `maximum` already.
    bool enter(std::string_view address, std::size_t maximum);
    /// Requires: entered.
    void leave(std::string_view address) noexcept;

private:
    struct Hash
    {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept
        {
            return std::hash<std::string_view>()(text);
        }
    };

    std::mutex _mutex; // guards _counts
    std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> _counts;
};

} // namespace nanomq
