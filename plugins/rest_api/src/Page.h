#pragma once

#include "Reply.h"
#include "Request.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace rest_api
{

/// `_page` and `_limit` as the EMQX v4 family has them. Without either, the whole list comes, and
/// no `meta`.
class Page
{
public:
    static constexpr std::uint64_t kDefaultLimit = 10'000;
    static constexpr std::uint64_t kMaximumLimit = 10'000;

    /// Throws ApiError for numbers that make no sense.
    explicit Page(const Request& request);

    /// Counts one that matches; whether it stands on this page.
    bool take() noexcept;
    /// Whether the page is complete, so that only the count of the others is of interest.
    bool full() const noexcept { return _isPaged && _seen >= _first + _limit; }
    /// `{"page":1,"limit":100,"count":317}`; null for the whole list.
    /// @param count  of all; nothing: as many as were counted.
    Poco::JSON::Object::Ptr meta(std::optional<std::uint64_t> count = {}) const;

private:
    bool _isPaged;
    std::uint64_t _page;
    std::uint64_t _limit;
    std::uint64_t _first = 0; // on this page, from 0
    std::uint64_t _seen = 0;
};

/// Ends a walk for those who do not wait any longer.
class StopCheck
{
public:
    explicit StopCheck(const std::atomic<bool>& stopping) noexcept : _stopping(stopping) {}
    /// Throws ApiError (500) when the plugin ends.
    void operator()() const
    {
        if (_stopping.load(std::memory_order_relaxed))
            throw ApiError(500, Code::RpcError, "the REST API is being unloaded");
    }

private:
    const std::atomic<bool>& _stopping;
};

} // namespace rest_api
