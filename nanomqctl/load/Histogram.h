#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>

namespace nanomq::load
{

/// How often which duration came: 64 steps an octave, so that a quantile is off by 1.6 % at most.
/// Counts nanoseconds up to 18 minutes; what is longer counts as that. Thread: the owner's.
class Histogram
{
public:
    void add(std::uint64_t nanoseconds) noexcept
    {
        if (nanoseconds > _maximum) _maximum = nanoseconds;
        _sum += nanoseconds;
        ++_count;
        ++(*_cells)[cellOf(nanoseconds)];
    }
    void clear() noexcept
    {
        _cells->fill(0);
        _count = _sum = _maximum = 0;
    }

    std::uint64_t count() const noexcept { return _count; }
    std::uint64_t maximum() const noexcept { return _maximum; }
    double mean() const noexcept
    {
        return _count ? static_cast<double>(_sum) / static_cast<double>(_count) : 0;
    }
    /// The duration that `share` (0 to 1) of all do not exceed; 0 when there are none.
    std::uint64_t quantile(double share) const noexcept
    {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(_count));
        std::uint64_t seen = 0;
        for (std::size_t cell = 0; cell < kCells; ++cell)
        {
            seen += (*_cells)[cell];
            if (seen > wanted) return middleOf(cell) < _maximum ? middleOf(cell) : _maximum;
        }
        return _maximum;
    }

private:
    static constexpr unsigned kStepBits = 6;
    static constexpr unsigned kLongestBits = 40;
    static constexpr std::size_t kCells = (kLongestBits - kStepBits + 1) << kStepBits;

    static std::size_t cellOf(std::uint64_t value) noexcept
    {
        if (value >> kLongestBits) return kCells - 1;
        if (value >> kStepBits == 0) return value;
        const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
        return (std::size_t{shift} << kStepBits) + (value >> shift);
    }
    static std::uint64_t middleOf(std::size_t cell) noexcept
    {
        constexpr std::size_t kSteps = std::size_t{1} << kStepBits;
        if (cell < 2 * kSteps) return cell;
        const std::size_t shift = (cell >> kStepBits) - 1;
        const std::uint64_t low = std::uint64_t{cell - (shift << kStepBits)} << shift;
        return low + (std::uint64_t{1} << shift) / 2;
    }

    std::unique_ptr<std::array<std::uint64_t, kCells>> _cells =
        std::make_unique<std::array<std::uint64_t, kCells>>();
    std::uint64_t _count = 0;
    std::uint64_t _sum = 0;
    std::uint64_t _maximum = 0;
};

} // namespace nanomq::load
