#pragma once

#include <Poco/JSON/Object.h>

namespace nanomq
{

/// An object whose keys are written in the order in which they were set.
inline Poco::JSON::Object::Ptr makeObject()
{
    return new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

} // namespace nanomq
