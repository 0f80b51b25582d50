#include "plugin/ElfImage.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

namespace nanomq
{

namespace
{

#if defined(__x86_64__)
constexpr Elf64_Half kMachine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half kMachine = EM_AARCH64;
#elif defined(__riscv)
constexpr Elf64_Half kMachine = EM_RISCV;
#else
#error "plugins are not supported on this processor yet"
#endif
constexpr unsigned char kByteOrder =
    std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;

// More than any plugin has; bounds the work on a file made to cost time.
constexpr std::size_t kMaxDynamicEntries = 4'096;
constexpr std::uint64_t kMaxSymbols = 100'000;
constexpr std::uint64_t kMaxNameSize = 4'096;

bool fits(std::uint64_t offset, std::uint64_t size, std::uint64_t end) noexcept
{
    return offset <= end && size <= end - offset;
}

} // namespace

/// What the dynamic section says: addresses as in the file.
struct ElfImage::Dynamic
{
    std::uint64_t strings = 0, stringsSize = 0, symbols = 0, hash = 0, gnuHash = 0;
    std::vector<std::uint64_t> needed, runPaths;
};

template <class T> std::optional<T> ElfImage::at(std::uint64_t offset) const
{
    static_assert(std::is_trivially_copyable_v<T>);
    if (!fits(offset, sizeof(T), _file.size())) return std::nullopt;
    T value;
    std::memcpy(&value, _file.data() + offset, sizeof value);
    return value;
}

Result<ElfImage, std::string> ElfImage::parse(ByteView file)
{
    ElfImage image(file);
    if (auto error = image.readHeader()) return std::move(*error);
    if (auto error = image.readDynamic()) return std::move(*error);
    return image;
}

std::optional<std::string> ElfImage::readHeader()
{
    const auto header = at<Elf64_Ehdr>(0);
    if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "is no shared library (no ELF header)";
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != kByteOrder ||
        header->e_machine != kMachine)
        return "is for another processor (machine " + std::to_string(header->e_machine) +
               ", expected " + std::to_string(kMachine) + ")";
    if (header->e_type != ET_DYN)
        return "is no shared library (ELF type " + std::to_string(header->e_type) + ", expected " +
               std::to_string(ET_DYN) + ")";
    if (header->e_phentsize != sizeof(Elf64_Phdr)) return "is damaged: segment headers";
    for (std::uint64_t i = 0; i < header->e_phnum; ++i)
    {
        const auto segment = fits(header->e_phoff, 0, _file.size())
                                 ? at<Elf64_Phdr>(header->e_phoff + i * sizeof(Elf64_Phdr))
                                 : std::nullopt;
        if (!segment) return "is incomplete: it ends within its segment headers";
        // Opening a file that ends within a loaded segment is SIGBUS in the loader.
        if (!fits(segment->p_offset, segment->p_filesz, _file.size()))
            return "is incomplete: " + std::to_string(_file.size()) + " bytes, and segment " +
                   std::to_string(i) + " ends at " +
                   std::to_string(segment->p_offset + segment->p_filesz);
        if (segment->p_type == PT_LOAD && segment->p_memsz < segment->p_filesz)
            return "is damaged: segment " + std::to_string(i);
        if (segment->p_type == PT_INTERP) return "is a program, not a shared library";
        _segments.push_back(*segment);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> ElfImage::offsetOf(std::uint64_t address) const
{
    for (const auto& segment : _segments)
        if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
            address - segment.p_vaddr < segment.p_filesz)
            return segment.p_offset + (address - segment.p_vaddr);
    return std::nullopt;
}

std::optional<std::string> ElfImage::text(const Dynamic& dynamic, std::uint64_t offset) const
{
    const auto strings = offsetOf(dynamic.strings);
    if (!strings || offset >= dynamic.stringsSize ||
        !fits(*strings, dynamic.stringsSize, _file.size()))
        return std::nullopt;
    const auto* begin = reinterpret_cast<const char*>(_file.data()) + *strings + offset;
    const auto most = std::min<std::uint64_t>(dynamic.stringsSize - offset, kMaxNameSize);
    const auto* end = static_cast<const char*>(std::memchr(begin, '\0', most));
    if (!end) return std::nullopt;
    return std::string(begin, end);
}

std::optional<std::string> ElfImage::readDynamic()
{
    const auto segment =
        std::find_if(_segments.begin(), _segments.end(),
                     [](const auto& candidate) { return candidate.p_type == PT_DYNAMIC; });
    if (segment == _segments.end()) return "is no shared library (no dynamic section)";

    Dynamic dynamic;
    const auto entries =
        std::min<std::uint64_t>(segment->p_filesz / sizeof(Elf64_Dyn), kMaxDynamicEntries);
    for (std::uint64_t i = 0; i < entries; ++i)
    {
        const auto entry = at<Elf64_Dyn>(segment->p_offset + i * sizeof(Elf64_Dyn));
        if (!entry || entry->d_tag == DT_NULL) break;
        const auto value = entry->d_un.d_val;
        switch (entry->d_tag)
        {
        case DT_NEEDED: dynamic.needed.push_back(value); break;
        case DT_RPATH:
        case DT_RUNPATH: dynamic.runPaths.push_back(value); break;
        case DT_STRTAB: dynamic.strings = value; break;
        case DT_STRSZ: dynamic.stringsSize = value; break;
        case DT_SYMTAB: dynamic.symbols = value; break;
        case DT_HASH: dynamic.hash = value; break;
        case DT_GNU_HASH: dynamic.gnuHash = value; break;
        case DT_FLAGS_1: _noDelete = (value & DF_1_NODELETE) != 0; break;
        default: break;
        }
    }
    for (const auto& [offsets, texts] :
         {std::pair(&dynamic.needed, &_needed), std::pair(&dynamic.runPaths, &_runPaths)})
        for (const auto offset : *offsets)
        {
            auto found = text(dynamic, offset);
            if (!found) return "is damaged: dynamic section";
            texts->push_back(std::move(*found));
        }
    if (!readSymbols(dynamic)) return "is damaged: dynamic symbols";
    return std::nullopt;
}

std::optional<std::uint64_t> ElfImage::countByGnuHash(std::uint64_t table) const
{
    // Header: buckets, index of the first symbol in the table, words of the bloom filter, shift.
    const auto buckets = at<std::uint32_t>(table);
    const auto firstSymbol = at<std::uint32_t>(table + 4);
    const auto bloomWords = at<std::uint32_t>(table + 8);
    if (!buckets || !firstSymbol || !bloomWords || *buckets > kMaxSymbols) return std::nullopt;
    const std::uint64_t bucketsAt = table + 16 + std::uint64_t{*bloomWords} * 8;
    std::uint64_t last = 0;
    for (std::uint64_t i = 0; i < *buckets; ++i)
    {
        const auto bucket = at<std::uint32_t>(bucketsAt + i * 4);
        if (!bucket) return std::nullopt;
        last = std::max<std::uint64_t>(last, *bucket);
    }
    if (last < *firstSymbol) return *firstSymbol; // nothing is exported
    // The chain of the last bucket ends with a hash whose lowest bit is set.
    const std::uint64_t chainsAt = bucketsAt + std::uint64_t{*buckets} * 4;
    for (; last < kMaxSymbols; ++last)
    {
        const auto hash = at<std::uint32_t>(chainsAt + (last - *firstSymbol) * 4);
        if (!hash) return std::nullopt;
        if ((*hash & 1) != 0) return last + 1;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> ElfImage::symbolCount(const Dynamic& dynamic) const
{
    if (dynamic.gnuHash != 0)
    {
        const auto table = offsetOf(dynamic.gnuHash);
        return table ? countByGnuHash(*table) : std::nullopt;
    }
    const auto table = offsetOf(dynamic.hash);
    const auto chains = table ? at<std::uint32_t>(*table + 4) : std::nullopt;
    if (!chains) return std::nullopt;
    return *chains;
}

bool ElfImage::readSymbols(const Dynamic& dynamic)
{
    const auto count = symbolCount(dynamic);
    const auto table = offsetOf(dynamic.symbols);
    if (!count || *count > kMaxSymbols || !table) return false;
    for (std::uint64_t i = 1; i < *count; ++i)
    {
        const auto symbol = at<Elf64_Sym>(*table + i * sizeof(Elf64_Sym));
        if (!symbol) return false;
        auto name = text(dynamic, symbol->st_name);
        if (!name) return false;
        const auto binding = ELF64_ST_BIND(symbol->st_info);
        const auto visibility = ELF64_ST_VISIBILITY(symbol->st_other);
        _symbols.push_back(
            {std::move(*name), symbol->st_shndx != SHN_UNDEF,
             binding != STB_LOCAL && (visibility == STV_DEFAULT || visibility == STV_PROTECTED),
             binding == STB_GNU_UNIQUE});
    }
    return true;
}

std::optional<ByteView> ElfImage::note(std::string_view owner, std::uint32_t type) const
{
    const auto aligned = [](std::uint64_t size) { return (size + 3) & ~std::uint64_t{3}; };
    for (const auto& segment : _segments)
    {
        if (segment.p_type != PT_NOTE) continue;
        std::uint64_t offset = segment.p_offset;
        const std::uint64_t end =
            segment.p_offset + segment.p_filesz; // inside the file: readHeader()
        while (const auto header = at<Elf64_Nhdr>(offset))
        {
            const auto nameAt = offset + sizeof(Elf64_Nhdr);
            const auto contentAt = nameAt + aligned(header->n_namesz);
            if (!fits(contentAt, header->n_descsz, end)) break;
            const std::string_view name(reinterpret_cast<const char*>(_file.data()) + nameAt,
                                        header->n_namesz);
            if (header->n_type == type && name.size() == owner.size() + 1 &&
                name.starts_with(owner))
                return _file.subspan(contentAt, header->n_descsz);
            offset = contentAt + aligned(header->n_descsz);
        }
    }
    return std::nullopt;
}

} // namespace nanomq
