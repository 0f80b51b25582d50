#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nanomq
{

/// What a verb answered: JSON text, or a refusal.
struct VerbResult
{
    std::string json; // one JSON value, when there is no code
    std::string code; // empty: all went well
    std::string message;
};

/// The verbs that plugins add to nanomqctl, such as "webhook status": path to function.
///
/// Each belongs to one loaded version of a plugin and goes with it. Thread: [any].
class ControlVerbs
{
public:
    using Owner = std::uint64_t;
    using Function = std::function<VerbResult(std::string_view argumentsJson)>;

    struct Verb
    {
        std::string path; // with the plugin's name: "webhook dead list"
        std::string help;
        Function function;
    };
    struct Description
    {
        std::string path;
        std::string help;
    };

    ControlVerbs() = default;
    ControlVerbs(const ControlVerbs&) = delete;
    ControlVerbs& operator=(const ControlVerbs&) = delete;

    /// Adds a verb; one of the same path, of the version before, is replaced.
    void add(Owner owner, Verb verb);
    /// Removes what is still the owner's and waits for its calls that run, replaced ones included.
    /// False when one still runs at the deadline; then its code must stay.
    [[nodiscard]] bool withdraw(Owner owner, std::chrono::milliseconds deadline);

    /// Runs a verb on the caller's thread; nothing when there is none of that path. What it
    /// throws becomes the code "internal".
    std::optional<VerbResult> run(std::string_view path, std::string_view argumentsJson);
    /// In the order of their paths.
    std::vector<Description> list() const;

private:
    struct Entry
    {
        Owner owner;
        Verb verb;
    };

    mutable std::mutex _mutex; // guards all below
    std::condition_variable _ended;
    std::map<std::string, std::shared_ptr<const Entry>, std::less<>> _verbs;
    std::map<Owner, unsigned> _running; // calls in progress
};

} // namespace nanomq
