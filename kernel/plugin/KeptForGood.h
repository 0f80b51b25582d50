#pragma once

#include <memory>

namespace nanomq
{

/// Keeps an object until the process ends, without destroying it even then: what a stuck or
/// resident plugin may still use. The one place that leaks on purpose; it stays reachable, so that
/// leak checkers tell such objects from forgotten ones. Thread: [any].
void keepForGood(std::shared_ptr<const void> object);

} // namespace nanomq
