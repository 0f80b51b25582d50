#include "PacketTable.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

// Writes the seeds of packet_fuzz: each packet of the unit tests' tables as a file in a folder, and
// the list of those files, between commas, as libFuzzer's -seed_inputs wants it.

namespace
{

using namespace nanomq::test;

class Corpus
{
public:
    Corpus(std::filesystem::path folder, const char* list) : _folder(std::move(folder)), _list(list)
    {
        std::filesystem::create_directories(_folder);
    }

    void add(nanomq::ProtocolVersion version, const std::vector<std::uint8_t>& packet)
    {
        const auto path = _folder / std::to_string(_count);
        std::ofstream file(path, std::ios::binary);
        file.put(static_cast<char>(static_cast<unsigned>(version) - 3)); // see packet_fuzz.cpp
        std::copy(packet.begin(), packet.end(), std::ostreambuf_iterator<char>(file));
        _list << (_count++ > 0 ? "," : "") << path.string();
        if (!file.flush() || !_list.flush())
            throw std::runtime_error("cannot write " + path.string() + " or its list");
    }

private:
    const std::filesystem::path _folder;
    std::ofstream _list;
    std::size_t _count = 0;
};

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3)
    {
        std::cerr << "usage: packet_corpus FOLDER LIST\n";
        return 2;
    }
    Corpus corpus(argv[1], argv[2]);
    for (const auto& row : packetTable()) corpus.add(row.version, row.text.bytes);
    for (const auto& row : toleratedTable()) corpus.add(row.version, row.text.bytes);
    for (const auto& row : malformedTable()) corpus.add(row.version, row.bytes);
    return 0;
}
