#pragma once

#include "support/TemporaryFolder.h"

#include <string>
#include <string_view>
#include <vector>

namespace nanomq::test
{

/// A certificate authority and what it signs, as PEM files in a folder of its own. Made with the
/// `openssl` command; what it refuses fails the test.
class Certificates
{
public:
    /// A certificate and its key: paths.
    struct Pair
    {
        std::string certificate;
        std::string key;
    };

    /// Makes the authority. @param name  its common name.
    explicit Certificates(const std::string& name = "Test Authority");

    /// The authority's certificate.
    std::string authority() const { return path("ca.pem"); }
    /// A certificate signed by it. @param subject  "/O=Plant/CN=device7".
    /// @param alternativeNames  "DNS:localhost,IP:127.0.0.1"; empty: none.
    Pair sign(const std::string& name, const std::string& subject,
              const std::string& alternativeNames = {});
    /// For a server on this machine.
    Pair server() { return sign("server", "/CN=localhost", "DNS:localhost,IP:127.0.0.1"); }
    /// The same key, sealed with a password: its path.
    std::string seal(const Pair& pair, const std::string& password);

    /// Withdraws a certificate.
    void revoke(const Pair& pair);
    /// A list of all that were withdrawn so far: a new file.
    std::string revocationList();

    std::string path(std::string_view name) const { return (_folder / name).string(); }

private:
    void openssl(std::vector<std::string> arguments) const;
    std::vector<std::string> caArguments(std::vector<std::string> more) const;

    TemporaryFolder _folder;
    int _files = 0;
};

} // namespace nanomq::test
