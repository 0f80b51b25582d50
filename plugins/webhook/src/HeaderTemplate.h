#pragma once

#include "http/Headers.h"

#include <string>
#include <string_view>
#include <vector>

namespace webhook
{

/// What a header may tell of an event. A view without data stands for what the event has not.
struct HeaderFacts
{
    std::string_view action;
    std::string_view clientId{};
    std::string_view userName{};
    std::string_view topic{};
};

/// A header whose value has placeholders: "${clientid}", "${username}", "${topic}", "${action}".
class HeaderTemplate
{
public:
    static bool hasPlaceholders(std::string_view value) noexcept;
    /// Throws BadValue for a placeholder that there is none.
    HeaderTemplate(std::string name, std::string_view value);

    /// Appends "Name: value\r\n", or nothing when the event lacks what the value asks for. Bytes
    /// that have no place in a header, and '%', become %XX.
    void render(const HeaderFacts& facts, std::string& out) const;
    const std::string& name() const noexcept { return _name; }

private:
    using Fact = std::string_view HeaderFacts::*;
    struct Part
    {
        std::string text;
        Fact fact; // behind the text; null: none
    };

    std::string _name;
    std::vector<Part> _parts;
};

/// Takes apart what render() has made.
void appendRendered(std::string_view rendered, http::Headers& headers);

} // namespace webhook
