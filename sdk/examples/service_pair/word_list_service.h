#pragma once

#include "nanomq/types.h"

/// The service "word_list.check/1": provided by word_list, used by word_filter. Both include this
/// header, and nothing else of one another. It will not change: a change is a service "/2".
class WordListService
{
public:
    static constexpr const char* kService = "word_list.check/1";

    /// Whether one of the words stands in the text. Fast enough for a worker. [any]
    virtual bool hasListedWord(nanomq::sdk::Bytes text) const = 0;

protected:
    ~WordListService() = default;
};
