#pragma once

#include "nanomq/services.h"

#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace nanomq::sdk::testing
{

/// The verbs of a plugin, to be called by their paths.
class FakeControl final : public Control
{
public:
    struct Result
    {
        bool found = false; ///< whether the plugin has that verb
        std::string json;
        std::string errorCode;
        std::string errorText;
    };

    Status command(Str path, Str, void (*run)(void*, Str, Reply*), void* self) override
    {
        const auto [place, isNew] = _verbs.emplace(std::string(path.view()), Verb{run, self});
        return isNew ? 0 : -EEXIST;
    }
    /// What `nanomqctl PLUGIN path` would get.
    Result call(std::string_view path, std::string_view argumentsJson = "{}")
    {
        const auto verb = _verbs.find(path);
        Answer answer;
        if (verb == _verbs.end()) return answer.result;
        answer.result.found = true;
        verb->second.run(verb->second.self, argumentsJson, &answer);
        return answer.result;
    }

private:
    struct Verb
    {
        void (*run)(void*, Str, Reply*);
        void* self;
    };
    struct Answer final : Reply
    {
        void json(Str text) override { result.json = text.view(); }
        void error(Str code, Str message) override
        {
            result.errorCode = code.view();
            result.errorText = message.view();
        }
        Result result;
    };

    std::map<std::string, Verb, std::less<>> _verbs;
};

} // namespace nanomq::sdk::testing
