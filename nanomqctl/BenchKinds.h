#pragma once

#include "Verbs.h"

namespace nanomq::ctl
{

// The kinds of `nanomqctl bench`. Each takes what follows its name, and is otherwise like a verb.

int benchConnect(const Arguments& arguments);
int benchPublish(const Arguments& arguments);
int benchSubscribe(const Arguments& arguments);
int benchPair(const Arguments& arguments);

} // namespace nanomq::ctl
