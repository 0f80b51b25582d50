#include "app/BanFile.h"

#include "base/AlarmList.h"

#include <Poco/Exception.h>
#include <Poco/File.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <Poco/Path.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <unistd.h>
#include <utility>

namespace nanomq
{

namespace
{

using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr const char* kAlarm = "ban_file";
/// After a failure, and to gather changes that come one behind the other.
constexpr std::chrono::seconds kPause{1};

Object::Ptr describe(const Ban& ban)
{
    Object::Ptr object = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    object->set("kind", std::string(banKindName(ban.kind)));
    object->set("who", ban.who);
    object->set("reason", ban.reason);
    object->set("by", ban.by);
    object->set("since_ms", ban.since);
    object->set("until_ms", ban.until);
    return object;
}

Ban banOf(const Object& object)
{
    const auto name = object.getValue<std::string>("kind");
    const auto kind = banKindOf(name);
    if (!kind) throw Poco::DataFormatException("unknown kind '" + name + '\'');
    return {*kind,
            object.getValue<std::string>("who"),
            object.optValue<std::string>("reason", ""),
            object.optValue<std::string>("by", ""),
            object.optValue<Poco::Int64>("since_ms", 0),
            object.optValue<Poco::Int64>("until_ms", 0)};
}

/// Writes a file of which others see all or nothing, also after a power cut. Only its owner may
/// read it: names of users stand in it.
void replaceFile(const std::string& path, const std::string& text)
{
    const std::string fresh = path + ".new";
    const auto fail = [&](const char* step) {
        throw Poco::WriteFileException(fresh, std::string(step), errno);
    };
    const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) fail("open");
    const bool written =
        ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(descriptor) == 0;
    const int error = errno;
    ::close(descriptor);
    errno = error;
    if (!written) fail("write");
    if (::rename(fresh.c_str(), path.c_str()) != 0) fail("rename");
}

} // namespace

BanFile::BanFile(std::string path, BanList& bans, AlarmList& alarms)
    : _path(std::move(path)), _bans(bans), _alarms(alarms)
{
    read();
    _bans.onChange([this] {
        {
            std::lock_guard guard(_mutex);
            _changed = true;
        }
        _wake.notify_one();
    });
    _thread = std::thread([this] { run(); });
}

BanFile::~BanFile()
{
    _bans.onChange({});
    {
        std::lock_guard guard(_mutex);
        _stopping = true;
    }
    _wake.notify_one();
    _thread.join();
}

void BanFile::read()
{
    if (!Poco::File(_path).exists()) return;
    try
    {
        std::ifstream file(_path);
        if (!file) throw Poco::OpenFileException(_path);
        Poco::JSON::Parser parser;
        const auto list = parser.parse(file).extract<Object::Ptr>()->getArray("bans");
        if (!list) throw Poco::DataFormatException("there is no list 'bans'");
        const UnixMs now = unixNow();
        for (std::size_t i = 0; i < list->size(); ++i)
        {
            const auto object = list->getObject(static_cast<unsigned>(i));
            if (!object) throw Poco::DataFormatException("a ban is no object");
            Ban ban = banOf(*object);
            const std::string who = ban.who;
            if (!ban.isOver(now) && _bans.add(std::move(ban)) == BanList::Added::Invalid)
                throw Poco::DataFormatException("nobody can be banned as '" + who + '\'');
        }
    }
    catch (const Poco::Exception& error)
    {
        throw Poco::DataFormatException("the list of bans " + _path +
                                        " cannot be read, mend it or take it away: " +
                                        error.displayText());
    }
}

void BanFile::run()
{
    std::unique_lock guard(_mutex);
    while (true)
    {
        _wake.wait(guard, [this] { return _changed || _stopping; });
        if (!std::exchange(_changed, false)) return;
        guard.unlock();
        bool written = true;
        try
        {
            write();
            _alarms.clear(kAlarm);
        }
        catch (const Poco::Exception& error)
        {
            written = false;
            _alarms.raise(kAlarm, AlarmSeverity::Error,
                          "bans are not kept for the next start: " + error.displayText());
        }
        guard.lock();
        if (_stopping && !_changed) return;
        _wake.wait_for(guard, kPause, [this] { return _stopping; });
        _changed = _changed || (!written && !_stopping);
    }
}

void BanFile::write()
{
    Array::Ptr list = new Array;
    for (const auto& ban : _bans.list()) list->add(describe(ban));
    Object::Ptr whole = new Object(Poco::JSON_PRESERVE_KEY_ORDER);
    whole->set("version", 1);
    whole->set("bans", list);
    std::ostringstream text;
    whole->stringify(text, 1);
    Poco::File(Poco::Path(_path).parent()).createDirectories();
    replaceFile(_path, text.str() + '\n');
}

} // namespace nanomq
