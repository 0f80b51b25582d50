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

#include <iostream>

namespace nanomq
{

namespace
{

constexpr const char* kQueuedLines = "8192";

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

void stopLogging()
{
    Poco::Logger::root().getChannel()->close();
    Poco::Logger::shutdown();
}

} // namespace nanomq
