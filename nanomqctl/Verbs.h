#pragma once

#include <string>
#include <vector>

namespace nanomq::ctl
{

using Arguments = std::vector<std::string>;

// Each takes what follows the verb, prints to standard output, and returns the exit status. They
// throw UsageError, Failure, and Poco exceptions.

int statusVerb(const Arguments& arguments);
int clientsVerb(const Arguments& arguments);
int subscriptionsVerb(const Arguments& arguments);
int topicsVerb(const Arguments& arguments);
int retainedVerb(const Arguments& arguments);
int metricsVerb(const Arguments& arguments);
int logVerb(const Arguments& arguments);
int topVerb(const Arguments& arguments);

int banVerb(const Arguments& arguments);
int alarmsVerb(const Arguments& arguments);

int stopVerb(const Arguments& arguments);
int restartVerb(const Arguments& arguments);
int reloadVerb(const Arguments& arguments);

int pluginVerb(const Arguments& arguments);
/// `nanomqctl NAME WORDS... [--key=value]...`: a verb that plugin NAME has added.
int verbOfPlugin(const std::string& plugin, const Arguments& arguments);

// What is behind `plugin`: new, check. Need no running broker.
int newPluginVerb(const Arguments& arguments);
int checkPluginVerb(const Arguments& arguments);

/// Needs no broker.
int passwdVerb(const Arguments& arguments);

int confVerb(const Arguments& arguments);
int explainVerb(const Arguments& arguments);
int traceVerb(const Arguments& arguments);

int publishVerb(const Arguments& arguments);
int subscribeVerb(const Arguments& arguments);
/// `nanomqctl bench conn|pub|sub|pair [OPTION]...`: a load for any broker.
int benchVerb(const Arguments& arguments);

/// What plugins of the running broker add, for --help; empty when no broker answers.
/// @param arguments  may hold --control.
std::string helpOfPlugins(const Arguments& arguments);

} // namespace nanomq::ctl
