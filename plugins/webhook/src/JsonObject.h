#pragma once

#include <Poco/JSON/Object.h>

namespace webhook
{

/// An object for an answer to people: its keys stay in the order they are set.
inline Poco::JSON::Object::Ptr makeObject()
{
    return new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
}

} // namespace webhook
