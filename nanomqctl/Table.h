#pragma once

#include <Poco/Dynamic/Var.h>

#include <ostream>
#include <string>
#include <string_view>

namespace nanomq::ctl
{

enum class Look
{
    Terminal, // aligned columns; units for people
    Plain,    // tabs between columns, names and numbers as they come: for other programs
    Json,     // one line of JSON
};

/// Whether words of states have colours: for Look::Terminal only.
enum class Colour
{
    No,
    Yes,
};

/// Yes on a terminal, unless the user has NO_COLOR (not empty) or a terminal of TERM=dumb.
/// @param noColour, terminalName  the variables; null: not set.
Colour colourFor(Look look, const char* noColour, const char* terminalName) noexcept;

/// Prints any JSON value as people or programs like it.
///
/// An array of objects is a table, its columns in the order in which keys first appear. An object
/// is a list of names and values; arrays of objects in it are tables of their own. Bytes that
/// would move a terminal's cursor are shown as \xNN: much of what is printed was chosen by clients.
///
/// With colours, what stands under "state", "status" or "severity" is green when all is well, red
/// when somebody must act, and yellow in between; only these, for other columns may hold what a
/// client has chosen.
void print(const Poco::Dynamic::Var& value, Look look, std::ostream& out,
           Colour colour = Colour::No);

/// A value as it stands in a cell: nothing is "-".
/// @param key  its last part tells the unit, for Look::Terminal: _ms, _s, _bytes.
std::string cellText(const std::string& key, const Poco::Dynamic::Var& value, Look look);

/// Text without control characters, C1 ones included.
std::string harmless(std::string_view text);

/// Columns that text takes on a terminal, one a character.
std::size_t displayWidth(std::string_view text) noexcept;

} // namespace nanomq::ctl
