// Writes the seeds of the fuzzers that read texts: text_corpus TARGET CONF_DIR FOLDER LIST. Each seed
// is a file in FOLDER; LIST gets their names between commas, as libFuzzer's -seed_inputs wants it.

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace
{

namespace fs = std::filesystem;
using Seeds = std::vector<std::string>;

std::string contents(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A step is a byte that chooses (see topic_fuzz.cpp), a topic, a line end.
Seeds topics(const fs::path&)
{
    static const char* const filters[] = {"a/b",   "a/+",     "#",          "+/+",      "a/b/#",
                                          "a//b",  "$SYS/#",  "$share/g/a/#", "$share/g/#", "/",
                                          "+/b/+", "$share/h/a/b"};
    static const char* const names[] = {"a/b", "a", "a/b/c", "$SYS/x", "/", "a//b"};
    Seeds seeds;
    for (const char* filter : filters)
        for (const char* name : names)
            seeds.push_back(std::string(1, '\0') + filter + "\n\x03" + filter + "\n\x02" + name +
                            "\n\x01" + filter + "\n\x02" + name + '\n');
    std::string all;
    for (char subscriber = 0; subscriber < 8; ++subscriber)
        for (const char* filter : filters)
            all += std::string(1, static_cast<char>(subscriber * 3)) + filter + '\n';
    for (const char* name : names) all += std::string(1, '\x02') + name + '\n';
    seeds.push_back(all);
    return seeds;
}

/// The shipped files as they are, and with every comment a key.
Seeds configuration(const fs::path& confDir)
{
    Seeds seeds;
    for (const auto& entry : fs::directory_iterator(confDir))
    {
        const std::string text = contents(entry.path());
        seeds.push_back(std::string(1, '\0') + text);
        std::string bare;
        for (std::size_t i = 0; i < text.size(); ++i)
            if (text[i] != '#') bare += text[i];
        seeds.push_back(std::string(1, '\0') + bare);
    }
    for (const char* schema :
         {R"({"switch":"a.on","keys":{"a.on":{"type":"bool","default":"true","description":"x"}}})",
          R"({"keys":{"a.*":{"type":"choice","choices":["x","y"],"description":"x"}}})",
          R"({"keys":{"a.n":{"type":"integer","min":1,"max":9,"description":"x"}}})"})
        seeds.push_back(std::string("\x01") + schema);
    for (const char* value : {"10KB", "1500ms", "unlimited", "nmq-tcp://[::1]:1883", "unix:///s",
                              "nmq-ws://h:1/mqtt", "a, b,,c", "{\"a\":[1]}", "-0.5", "on"})
        seeds.push_back(std::string("\x02") + value);
    return seeds;
}

Seeds security(const fs::path&)
{
    Seeds seeds;
    static const char* const rules[] = {
        R"({"permit":"allow","topics":["devices/%c/#"]})",
        R"({"permit":"deny","action":"subscribe","topics":["$SYS/#","@#"]})",
        R"({"permit":"allow","username":"alice","action":"pubsub","topics":["a/+/b"]})",
        R"({"permit":"deny","and":[{"ipaddr":"192.0.2.0/24"},{"clientid":"c"}]})",
        R"({"permit":"allow","or":[{"username":"#"}],"topics":[{"eq":"a/#"},"${username}/x"]})",
    };
    for (const char* rule : rules)
        for (const char* topics : {"a/+/b\na/x/b\n", "#\na\n", "devices/c/#\ndevices/c/1\n"})
        {
            seeds.push_back(std::string(1, '\0') + "alice\nc\n" + topics + rule + '\n');
            seeds.push_back(std::string(1, '\0') + "\nc\n" + topics + rules[1] + '\n' + rule);
        }
    for (const char* users :
         {"bob:$pbkdf2-sha256$i=10000$MDEyMzQ1Njc4OWFiY2RlZg$"
          "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n",
          "auth.1.login=a\nauth.1.password=b\n", "# nobody\n", "a:$scrypt$ln=15,r=8,p=1$YQ$YQ\n",
          "a:$scram-sha-256$i=10000$MDEyMzQ1Njc4OWFiY2RlZg$"
          "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY$"
          "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\n"})
        seeds.push_back(std::string("\x01") + users);
    return seeds;
}

Seeds control(const fs::path&)
{
    return {R"({"id":1,"cmd":"echo","args":{"a":[1,2,{"b":null}]}})",
            R"({"id":"x","cmd":"fail","args":{"what":"that"}})",
            R"({"cmd":"nothing"})",
            "{}\n[]\n\n{\"id\":{}}",
            R"({"id":1.5,"cmd":"echo","args":{"u":"ä\n"}})",
            R"({"id":true,"cmd":7,"args":[]})"};
}

void write(const Seeds& seeds, const fs::path& folder, const char* listName)
{
    fs::create_directories(folder);
    std::ofstream list(listName);
    std::size_t number = 0;
    for (const auto& seed : seeds)
    {
        const auto path = folder / std::to_string(number);
        std::ofstream file(path, std::ios::binary);
        file << seed;
        list << (number++ > 0 ? "," : "") << path.string();
        if (!file.flush() || !list.flush())
            throw std::runtime_error("cannot write " + path.string() + " or its list");
    }
}

} // namespace

int main(int argc, char** argv)
{
    static const std::map<std::string, Seeds (*)(const fs::path&)> targets = {
        {"topic", topics}, {"config", configuration}, {"security", security}, {"control", control}};
    const auto target = argc == 5 ? targets.find(argv[1]) : targets.end();
    if (target == targets.end())
    {
        std::cerr << "usage: text_corpus topic|config|security|control CONF_DIR FOLDER LIST\n";
        return 2;
    }
    write(target->second(argv[2]), argv[3], argv[4]);
    return 0;
}
