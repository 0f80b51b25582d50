#pragma once

#include "nanomq/storage.h"

#include <cerrno>
#include <string>

namespace nanomq::sdk::testing
{

/// A folder that the test has made.
class FakeStorage final : public Storage
{
public:
    std::string path; ///< empty: the broker has no place for the plugin's files

    Status folder(Str* result) override
    {
        if (path.empty()) return -ENOENT;
        *result = path;
        return 0;
    }
};

} // namespace nanomq::sdk::testing
