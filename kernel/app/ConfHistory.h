#pragma once

#include "config/ConfTexts.h"

#include <optional>
#include <string>

namespace nanomq
{

/// What the broker remembers of its configuration, in STATE-DIR/conf:
///
///     running/   the files in force
///     previous/  those before the last change, for `conf rollback`
///     refused/   those of the last change that was put back, for who wants to correct them
///     folder     which conf.d they are of
///     changing   stands there while that conf.d is being changed
///
/// Thread: one at a time; blocks on the disk, and throws Poco::FileException.
class ConfHistory
{
public:
    /// @param confDir  of this broker. What was remembered of another one is forgotten.
    ConfHistory(const std::string& stateDir, const std::string& confDir);

    std::string runningFolder() const { return _folder + "/running"; }
    ConfTexts running() const { return ConfTexts::read(runningFolder()); }
    /// Nothing when there was no change yet.
    std::optional<ConfTexts> previous() const;

    /// The broker starts with these.
    void started(const ConfTexts& texts) const;
    /// conf.d is about to be changed; until changed() or putBack(), a start restores what is in
    /// force.
    void changing() const;
    /// `now` is in force; what was, is `previous`.
    void changed(const ConfTexts& now) const;
    /// conf.d is what it was; `refused` is kept.
    void putBack(const ConfTexts& refused) const;

    /// Before a start: puts conf.d back if the last broker died while it changed it. Whether it did.
    bool recover() const;

private:
    bool isOfThisFolder() const;

    const std::string _folder;
    const std::string _confDir;
};

} // namespace nanomq
