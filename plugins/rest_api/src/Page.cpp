#include "Page.h"

namespace rest_api
{

Page::Page(const Request& request)
    : _isPaged(request.queryText("_page") || request.queryText("_limit")),
      _page(request.number("_page", 1, 1, 1'000'000'000)),
      _limit(request.number("_limit", kDefaultLimit, 1, kMaximumLimit)),
      _first((_page - 1) * _limit)
{
}

bool Page::take() noexcept
{
    const std::uint64_t at = _seen++;
    return !_isPaged || (at >= _first && at < _first + _limit);
}

Poco::JSON::Object::Ptr Page::meta(std::optional<std::uint64_t> count) const
{
    if (!_isPaged) return {};
    auto meta = makeObject();
    meta->set("page", _page);
    meta->set("limit", _limit);
    meta->set("count", count.value_or(_seen));
    return meta;
}

} // namespace rest_api
