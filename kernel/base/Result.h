#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace nanomq
{

/// A value, or the reason why there is none.
///
/// For what a peer may get wrong in normal life: the error is part of the answer, not an
/// exception. `E` is usually a ReasonCode that goes out to the peer.
template <class T, class E> class [[nodiscard]] Result
{
public:
    Result(T value) : _state(std::in_place_index<0>, std::move(value)) {}
    Result(E error) : _state(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const noexcept { return _state.index() == 0; }

    /// Requires: holds a value.
    T& operator*() noexcept { return *std::get_if<0>(&_state); }
    const T& operator*() const noexcept { return *std::get_if<0>(&_state); }
    T* operator->() noexcept { return std::get_if<0>(&_state); }
    const T* operator->() const noexcept { return std::get_if<0>(&_state); }

    /// Requires: holds an error.
    const E& error() const noexcept
    {
        assert(_state.index() == 1);
        return *std::get_if<1>(&_state);
    }

private:
    std::variant<T, E> _state;
};

} // namespace nanomq
