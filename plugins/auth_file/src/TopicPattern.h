#pragma once

#include "nanomq/types.h"

#include <string>
#include <string_view>
#include <vector>

namespace auth_file
{

/// Topics of an ACL rule: a Topic Filter in which %c and %u (or ${clientid} and ${username}) stand
/// for the client's own names, or with '@' in front a text that is compared as it is.
///
/// Names are taken literally and never widen a right: one that is absent, empty, or has '+', '#' or
/// '/' in it makes a pattern that it stands in cover nothing, and overlap everything from there on.
/// Immutable. Nothing here allocates but the constructor. Thread: [any].
class TopicPattern
{
public:
    /// Throws Poco::DataFormatException with what is wrong.
    explicit TopicPattern(std::string_view text);

    /// Whether every topic that `filter` (a Topic Name, or a Topic Filter without "$share/…/")
    /// stands for is one of the pattern's: the question that an allowing rule asks.
    bool covers(std::string_view filter, const nanomq::sdk::ClientInfo& client) const noexcept;
    /// Whether some topic is: the question that a denying rule asks.
    bool overlaps(std::string_view filter, const nanomq::sdk::ClientInfo& client) const noexcept;

    /// The first level, if topics can only be the pattern's when theirs is the same; else empty.
    std::string_view firstLevel() const noexcept;

private:
    enum class Part : std::uint8_t
    {
        Text,
        ClientId,
        UserName,
    };
    struct Piece
    {
        Part part;
        std::string text;
    };
    enum class Kind : std::uint8_t
    {
        Literal, // pieces, one after the other
        Plus,
        Hash,
    };
    struct Level
    {
        Kind kind = Kind::Literal;
        std::vector<Piece> pieces;
    };
    enum class Same : std::uint8_t
    {
        No,
        Yes,
        Unsafe, // a name that is not to be put into a topic
    };

    static Level levelOf(std::string_view text);
    static std::vector<Piece> piecesOf(std::string_view text);
    static Same same(const std::vector<Piece>& pieces, std::string_view text,
                     const nanomq::sdk::ClientInfo& client) noexcept;

    bool _exact = false;    // '@'
    bool _reserved = false; // begins with a '$' of its own
    std::vector<Level> _levels;
    std::vector<Piece> _literal; // of an exact one
};

} // namespace auth_file
