#pragma once

#include "base/Result.h"

#include <Poco/Dynamic/Var.h>

#include <string>

namespace nanomq
{

/// Why a command was not carried out.
struct ControlError
{
    std::string code;    // for programs: "not_found", "bad_argument"
    std::string message; // for people, a sentence
};

/// The result of a command, any JSON value, or why there is none.
using ControlResult = Result<Poco::Dynamic::Var, ControlError>;

} // namespace nanomq
