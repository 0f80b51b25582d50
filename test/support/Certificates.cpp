#include "support/Certificates.h"

#include "support/Command.h"

#include <cppunit/TestAssert.h>

namespace nanomq::test
{

namespace
{

const std::vector<std::string> kNewKey = {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                                          "-nodes"};

std::vector<std::string> operator+(std::vector<std::string> all,
                                   const std::vector<std::string>& more)
{
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace

Certificates::Certificates(const std::string& name)
{
    openssl(std::vector<std::string>{"req", "-x509"} + kNewKey +
            std::vector<std::string>{"-keyout", path("ca.key"), "-out", authority(), "-days", "2",
                                     "-subj", "/CN=" + name});
    writeFile(_folder / "index.txt", "");
    writeFile(_folder / "crlnumber", "01\n");
    writeFile(_folder / "ca.conf", "[ca]\ndefault_ca = ours\n[ours]\ndatabase = " +
                                       path("index.txt") + "\ncrlnumber = " + path("crlnumber") +
                                       "\ndefault_md = sha256\ndefault_crl_days = 2\n");
}

Certificates::Pair Certificates::sign(const std::string& name, const std::string& subject,
                                      const std::string& alternativeNames)
{
    const Pair pair{path(name + ".pem"), path(name + ".key")};
    const std::string request = path(name + ".csr");
    openssl(std::vector<std::string>{"req"} + kNewKey +
            std::vector<std::string>{"-keyout", pair.key, "-out", request, "-subj", subject});
    std::vector<std::string> arguments = {"x509", "-req", "-in", request, "-CA", authority(),
                                          "-CAkey", path("ca.key"), "-CAcreateserial", "-days",
                                          "2", "-out", pair.certificate};
    if (!alternativeNames.empty())
    {
        writeFile(_folder / (name + ".ext"), "subjectAltName = " + alternativeNames + "\n");
        arguments = arguments + std::vector<std::string>{"-extfile", path(name + ".ext")};
    }
    openssl(arguments);
    return pair;
}

std::string Certificates::seal(const Pair& pair, const std::string& password)
{
    const std::string sealed = pair.key + ".sealed";
    openssl({"pkey", "-in", pair.key, "-aes256", "-passout", "pass:" + password, "-out", sealed});
    return sealed;
}

std::vector<std::string> Certificates::caArguments(std::vector<std::string> more) const
{
    return std::vector<std::string>{"ca", "-config", path("ca.conf"), "-cert", authority(),
                                    "-keyfile", path("ca.key")} +
           more;
}

void Certificates::revoke(const Pair& pair)
{
    openssl(caArguments({"-revoke", pair.certificate}));
}

std::string Certificates::revocationList()
{
    const std::string list = path("crl" + std::to_string(++_files) + ".pem");
    openssl(caArguments({"-gencrl", "-out", list}));
    return list;
}

void Certificates::openssl(std::vector<std::string> arguments) const
{
    const auto done = runCommand("openssl", std::move(arguments));
    CPPUNIT_ASSERT_EQUAL_MESSAGE(done.output + done.errors, 0, done.status);
}

} // namespace nanomq::test
