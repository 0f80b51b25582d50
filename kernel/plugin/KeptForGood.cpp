#include "plugin/KeptForGood.h"

#include <mutex>
#include <utility>
#include <vector>

namespace nanomq
{

void keepForGood(std::shared_ptr<const void> object)
{
    using Kept = std::vector<std::shared_ptr<const void>>;
    static std::mutex mutex;
    static Kept* const kept = std::make_unique<Kept>().release(); // no destructor at exit
    std::lock_guard lock(mutex);
    kept->push_back(std::move(object));
}

} // namespace nanomq
