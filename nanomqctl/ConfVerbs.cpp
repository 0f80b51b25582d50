// Configuration as a transaction: check, diff, apply, rollback.

#include "Shell.h"
#include "Verbs.h"

#include <Poco/JSON/Array.h>

#include <filesystem>
#include <iostream>
#include <string>

namespace nanomq::ctl
{

namespace
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

/// Lines "FILE:LINE: key: message" to standard error.
bool tellErrors(const Object& answer)
{
    const auto errors = answer.getArray("errors");
    if (errors.isNull() || errors->size() == 0) return false;
    for (std::size_t i = 0; i < errors->size(); ++i)
    {
        const auto error = errors->getObject(static_cast<unsigned>(i));
        const auto key = error->optValue<std::string>("key", "");
        std::cerr << harmless(error->optValue<std::string>("where", "")) << ": "
                  << (key.empty() ? "" : harmless(key) + ": ")
                  << harmless(error->optValue<std::string>("message", "")) << '\n';
    }
    return true;
}

void printChanges(const Shell& shell, const Object& answer, const char* nothing)
{
    const auto changes = answer.getArray("changes");
    if (changes.isNull() || changes->size() == 0)
    {
        std::cout << nothing << '\n';
        return;
    }
    shell.print(changes);
    const auto plugins = answer.getArray("plugins");
    if (!plugins.isNull() && plugins->size() > 0)
    {
        std::cout << '\n';
        shell.print(plugins);
    }
    if (answer.optValue("needs_restart", false))
        std::cout << "\nkeys of nanomq.conf take effect at the next start\n";
}

} // namespace

int confVerb(const Arguments& arguments)
{
    Options options("conf check [DIR] | diff [DIR] | apply [DIR] | rollback",
                    "The configuration as a whole. DIR holds the files to come; without it conf.d "
                    "itself is meant, as somebody has edited it. 'check' tells all errors, 'diff' "
                    "what would change, 'apply' brings it into force or, if any plugin refuses, "
                    "leaves everything as it was; 'rollback' takes the last change back.");
    options.parse(arguments);
    if (options.has("help")) return std::cout << options.help(), 0;
    const std::string& verb = options.word(0, "check, diff, apply or rollback behind 'conf'");
    if (verb != "check" && verb != "diff" && verb != "apply" && verb != "rollback")
        throw UsageError("unknown word '" + verb +
                         "' behind 'conf'; expected check, diff, apply or rollback");
    options.noWordsBeyond(verb == "rollback" ? 1 : 2);
    auto request = makeObject();
    if (options.words().size() > 1)
        request->set("dir", std::filesystem::absolute(options.words()[1]).string());

    Shell shell(options);
    const Object::Ptr answer = shell.callForObject("conf." + verb, request);
    if (shell.look() == Look::Json)
    {
        shell.print(answer);
        const auto errors = answer->getArray("errors");
        return errors.isNull() || errors->size() == 0 ? 0 : 1;
    }
    if (tellErrors(*answer)) return 1;
    if (verb == "check") std::cout << "the configuration is fine\n";
    else if (verb == "diff") printChanges(shell, *answer, "nothing would change");
    else printChanges(shell, *answer, "nothing had to change");
    return 0;
}

} // namespace nanomq::ctl
