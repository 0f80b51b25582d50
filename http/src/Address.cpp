#include "http/Address.h"

#include <Poco/Exception.h>
#include <Poco/URI.h>

namespace http
{

namespace
{

[[noreturn]] void bad(std::string_view url)
{
    throw Poco::InvalidArgumentException(
        "found \"" + std::string(url) +
        "\", expected an address such as http://127.0.0.1:8080/hook");
}

} // namespace

Address Address::parse(std::string_view url)
{
    // A value with credentials in it must not come back in an error message.
    if (url.find('@') < url.find('/', url.find("//") + 2))
        throw Poco::InvalidArgumentException(
            "has a user or password in it; put them into a header named Authorization");
    Poco::URI uri;
    try
    {
        uri = Poco::URI(std::string(url));
    }
    catch (const Poco::Exception&)
    {
        bad(url);
    }
    const bool secure = uri.getScheme() == "https";
    if ((!secure && uri.getScheme() != "http") || uri.getHost().empty() || uri.getPort() == 0)
        bad(url);

    Address result;
    result.secure = secure;
    result.host = uri.getHost();
    result.port = uri.getPort();
    const std::string path = uri.getPathEtc();
    result.target = path.substr(0, path.find('#'));
    if (!result.target.starts_with('/')) result.target.insert(0, "/");
    result.shown = uri.getScheme() + "://" + uri.getAuthority() + uri.getPath();
    return result;
}

} // namespace http
