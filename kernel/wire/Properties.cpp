#include "wire/Properties.h"

#include "wire/PropertyShape.h"
#include "wire/Reader.h"

#include <cassert>

namespace nanomq
{

namespace
{

/// Bytes that the value at the front of `in` takes; the Reader's own checks make them fit.
bool skipValue(Reader& in, PropertyEncoding encoding) noexcept
{
    switch (encoding)
    {
    case PropertyEncoding::Byte: return bool(in.byte());
    case PropertyEncoding::TwoByteInteger: return bool(in.twoByteInteger());
    case PropertyEncoding::FourByteInteger: return bool(in.fourByteInteger());
    case PropertyEncoding::VariableByteInteger: return bool(in.variableByteInteger());
    case PropertyEncoding::Text:
    case PropertyEncoding::Binary: return bool(in.binary());
    case PropertyEncoding::TextPair: return in.binary() && in.binary();
    case PropertyEncoding::None: break;
    }
    return false;
}

} // namespace

bool PropertyReader::next() noexcept
{
    if (_rest.empty()) return false;
    _id = static_cast<PropertyId>(_rest.front());
    Reader in(_rest.subspan(1));
    const bool whole = skipValue(in, shapeOf(_id).encoding);
    assert(whole); // checked when decoded, or written by PropertyWriter
    if (!whole)
    {
        _rest = {};
        return false;
    }
    _encoded = _rest.first(_rest.size() - in.left());
    _rest = _rest.last(in.left());
    return true;
}

UserProperty PropertyReader::userProperty() const noexcept
{
    assert(_id == PropertyId::UserProperty);
    Reader in(_encoded.subspan(1));
    const auto name = in.binary();
    const auto value = in.binary();
    return {asText(*name), asText(*value)};
}

std::uint32_t PropertyReader::number() const noexcept
{
    Reader in(_encoded.subspan(1));
    switch (shapeOf(_id).encoding)
    {
    case PropertyEncoding::Byte: return *in.byte();
    case PropertyEncoding::TwoByteInteger: return *in.twoByteInteger();
    case PropertyEncoding::FourByteInteger: return *in.fourByteInteger();
    case PropertyEncoding::VariableByteInteger: return *in.variableByteInteger();
    default: break;
    }
    assert(!"number() of a property that is none");
    return 0;
}

} // namespace nanomq
