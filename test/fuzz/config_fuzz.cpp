// Files of conf.d: any text is read, and what is wrong with it is told, with a place; nothing
// crashes. The first byte chooses: the kernel's file, a plugin's schema, or a single value.

#include "Fuzz.h"
#include "config/ConfigFile.h"
#include "config/ConfigValue.h"
#include "config/Configuration.h"
#include "config/KernelConfig.h"
#include "config/ListenerUrl.h"
#include "config/Schema.h"

#include <Poco/Exception.h>

#include <string>

namespace
{

using namespace nanomq;
using fuzz::require;

void requirePlaces(const std::vector<ConfigError>& all)
{
    for (const auto& one : all)
    {
        require(!one.where.empty(), "an error without a place");
        require(!one.message.empty(), "an error without words");
        require(one.text().find('\n') == std::string::npos, "an error of two lines");
    }
}

void fuzzKernelFile(std::string_view text)
{
    static const Schema schema = kernelSchema();
    ConfigReport report;
    const ConfigFile file = ConfigFile::parse("nanomq.conf", text, report);
    const auto configuration = Configuration::load(file, schema, {}, report);
    for (const auto& item : configuration.items())
    {
        const ConfigEntry* const entry = file.find(item.key);
        require(entry != nullptr && entry->value == item.value, "a value from nowhere");
        require(!schema.find(item.key)->refuse(item.value), "a value that the schema refuses");
    }
    const auto kernel = KernelConfig::load(configuration, report.errors);
    requirePlaces(report.errors);
    requirePlaces(report.notes);
    if (report.ok()) require(!kernel.listeners.empty(), "a broker that listens nowhere");
}

void fuzzSchema(std::string_view text)
{
    try
    {
        const Schema schema = Schema::fromJson("fuzz", std::string(text));
        require(schema.find(schema.switchKey()) != nullptr, "a plugin without its switch");
        ConfigReport report;
        std::string lines;
        for (const auto& key : schema.keys())
            if (!key.isPattern()) lines += key.key + " = " + key.defaultText + '\n';
        const ConfigFile file = ConfigFile::parse("fuzz.conf", lines, report);
        isSwitchedOn(Configuration::load(file, schema, {}, report), schema);
        requirePlaces(report.errors);
    }
    catch (const Poco::DataFormatException&)
    {
    }
}

void fuzzValue(std::string_view text)
{
    for (const ConfigType type : {ConfigType::Boolean, ConfigType::Integer, ConfigType::Number,
                                  ConfigType::Duration, ConfigType::Size, ConfigType::List,
                                  ConfigType::Json})
    {
        SchemaKey key;
        key.key = "key";
        key.type = type;
        key.refuse(text);
    }
    if (const auto url = parseListenerUrl(text))
        require(!url->scheme.empty(), "a listener without a scheme");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::Input input(data, size);
    switch (input.byte() % 3)
    {
    case 0: fuzzKernelFile(input.rest()); break;
    case 1: fuzzSchema(input.rest()); break;
    case 2: fuzzValue(input.rest()); break;
    }
    return 0;
}
