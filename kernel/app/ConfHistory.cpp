#include "app/ConfHistory.h"

#include <Poco/Exception.h>

#include <filesystem>
#include <fstream>

namespace nanomq
{

namespace fs = std::filesystem;

namespace
{

/// Texts may hold secrets, so nobody else may look into the folder.
void makePrivate(const std::string& folder)
{
    fs::create_directories(folder);
    fs::permissions(folder, fs::perms::owner_all);
}

} // namespace

ConfHistory::ConfHistory(const std::string& stateDir, const std::string& confDir)
    : _folder(stateDir + "/conf"),
      _confDir(fs::absolute(confDir).lexically_normal().string())
{
}

bool ConfHistory::isOfThisFolder() const
{
    std::ifstream file(_folder + "/folder");
    std::string confDir;
    return std::getline(file, confDir) && confDir == _confDir;
}

std::optional<ConfTexts> ConfHistory::previous() const
{
    const std::string folder = _folder + "/previous";
    if (!fs::exists(folder)) return std::nullopt;
    return ConfTexts::read(folder);
}

void ConfHistory::started(const ConfTexts& texts) const
{
    makePrivate(_folder);
    if (!isOfThisFolder())
    {
        fs::remove_all(_folder + "/previous");
        std::ofstream(_folder + "/folder") << _confDir << '\n';
    }
    texts.write(runningFolder());
}

void ConfHistory::changing() const
{
    const std::string mark = _folder + "/changing";
    if (!std::ofstream(mark)) throw Poco::CreateFileException(mark);
}

void ConfHistory::changed(const ConfTexts& now) const
{
    running().write(_folder + "/previous");
    now.write(runningFolder());
    fs::remove(_folder + "/changing");
}

void ConfHistory::putBack(const ConfTexts& refused) const
{
    refused.write(_folder + "/refused");
    fs::remove(_folder + "/changing");
}

bool ConfHistory::recover() const
{
    if (!fs::exists(_folder + "/changing") || !isOfThisFolder()) return false;
    running().write(_confDir);
    fs::remove(_folder + "/changing");
    return true;
}

} // namespace nanomq
