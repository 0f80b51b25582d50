#include "app/Logging.h"

#include <Poco/AsyncChannel.h>
#include <Poco/AutoPtr.h>
#include <Poco/ConsoleChannel.h>
#include <Poco/File.h>
#include <Poco/FileChannel.h>
#include <Poco/FormattingChannel.h>
#include <Poco/Logger.h>
#include <Poco/Path.h>
#include <Poco/PatternFormatter.h>
#include <Poco/SplitterChannel.h>
#include <Poco/SyslogChannel.h>

#include <algorithm>
#include <array>
#include <iostream>

namespace nanomq
{

namespace
{

constexpr const char* kQueuedLines = "8192";

constexpr std::array<std::string_view, 8> kLevels = {
    "fatal", "critical", "error", "warning", "notice", "information", "debug", "trace"};

Poco::AutoPtr<Poco::Channel> fileChannel(const LogConfig& config, const std::string& stateDir)
{
    Poco::Path path = Poco::Path::forDirectory(config.dir.empty() ? stateDir : config.dir);
    Poco::File(path).createDirectories();
    path.setFileName(config.file);
    Poco::AutoPtr<Poco::FileChannel> channel(new Poco::FileChannel(path.toString()));
    if (config.rotationSizeBytes > 0)
    {
        channel->setProperty(Poco::FileChannel::PROP_ROTATION,
                             std::to_string(config.rotationSizeBytes));
        channel->setProperty(Poco::FileChannel::PROP_ARCHIVE, "number");
        channel->setProperty(Poco::FileChannel::PROP_PURGECOUNT,
                             std::to_string(config.rotationCount));
    }
    return channel;
}

} // namespace

void startLogging(const LogConfig& config, const std::string& stateDir)
{
    Poco::AutoPtr<Poco::SplitterChannel> all(new Poco::SplitterChannel);
    const auto addFormatted = [&all](Poco::AutoPtr<Poco::Channel> channel) {
        Poco::AutoPtr<Poco::PatternFormatter> form(
            new Poco::PatternFormatter("%Y-%m-%d %H:%M:%S.%i %p %s: %t"));
        form->setProperty(Poco::PatternFormatter::PROP_TIMES, "local");
        all->addChannel(new Poco::FormattingChannel(form, channel));
    };
    if (config.toConsole) addFormatted(new Poco::ConsoleChannel(std::cerr));
    if (config.toFile) addFormatted(fileChannel(config, stateDir));
    if (config.toSyslog)
        all->addChannel(new Poco::SyslogChannel("nanomq", Poco::SyslogChannel::SYSLOG_PID,
                                                Poco::SyslogChannel::SYSLOG_DAEMON));

    Poco::AutoPtr<Poco::AsyncChannel> queue(new Poco::AsyncChannel(all));
    queue->setProperty("queueSize", kQueuedLines);
    queue->open();
    Poco::Logger::root().setChannel(queue);
    Poco::Logger::root().setLevel(config.level);
}

bool setLogLevel(const std::string& level)
{
    const auto known = std::find(kLevels.begin(), kLevels.end(), level);
    if (known == kLevels.end()) return false;
    // Poco numbers them from 1, fatal, to 8, trace. An empty name stands for all loggers.
    Poco::Logger::setLevel("", static_cast<int>(known - kLevels.begin()) + 1);
    return true;
}

std::string_view logLevel()
{
    const int level = Poco::Logger::root().getLevel();
    return level < 1 ? "none" : kLevels[static_cast<std::size_t>(std::min(level, 8) - 1)];
}

void stopLogging()
{
    Poco::Logger::root().getChannel()->close();
    Poco::Logger::shutdown();
}

} // namespace nanomq
