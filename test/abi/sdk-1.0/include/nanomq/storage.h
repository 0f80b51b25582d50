#pragma once

#include "nanomq/types.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// Where a plugin keeps what is to outlive the broker's process. The broker implements it; it only
/// grows at the end.
class Storage
{
public:
    static constexpr const char* kInterface = "nanomq.storage/1";

    /// The plugin's own folder, made with mode 0700 when it is not there: the same one for every
    /// version of the plugin and after every restart. What is in it is the plugin's affair; nobody
    /// empties it. During a reload, the old version may use it until its destructor has run, that
    /// is, until the new version's Handover::adopt() or start().
    ///
    /// @param path  absolute, without a slash at its end; valid as long as the plugin.
    /// Returns -errno when the folder is not there and cannot be made. May touch the disk: not for
    /// hooks on workers. [any]
    virtual Status folder(Str* path) = 0;

protected:
    ~Storage() = default;
};

} // namespace v1
} // namespace nanomq::sdk
