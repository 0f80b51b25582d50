#pragma once

#include <stdexcept>
#include <string>

namespace rest_api
{

/// NanoMQ's result codes, as they stand in "code".
enum class Code : int
{
    Ok = 0,
    RpcError = 101,
    Unknown = 102,
    WrongCredentials = 103,
    NoCredentials = 104,
    NoSuchUser = 105,
    MissingParameter = 107,
    BadParameter = 108,
    BadJson = 109,
    PluginAlreadyOn = 110,
    PluginOff = 111,
    ClientOffline = 112,
    NotAllowed = 115,
    TokenExpired = 116,
    BadConfiguration = 117,
    CannotWriteConfiguration = 118,
};

/// A request that cannot be served: HTTP status, result code, and a sentence for people.
class ApiError : public std::runtime_error
{
public:
    ApiError(int httpStatus, Code code, const std::string& message)
        : std::runtime_error(message), status(httpStatus), code(code)
    {
    }

    static ApiError badParameter(const std::string& message)
    {
        return {400, Code::BadParameter, message};
    }
    static ApiError missing(const std::string& name)
    {
        return {400, Code::MissingParameter, "missing: " + name};
    }
    static ApiError notFound(const std::string& message) { return {404, Code::Unknown, message}; }

    const int status;
    const Code code;
};

} // namespace rest_api
