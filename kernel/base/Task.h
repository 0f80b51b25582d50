#pragma once

#include <memory>
#include <utility>

namespace nanomq
{

/// A call to be made once, elsewhere. Like std::function, but what it holds need not be copyable.
class Task
{
public:
    template <class F> Task(F call) : _call(std::make_unique<Holder<F>>(std::move(call))) {}

    void operator()() { _call->run(); }

private:
    struct Callable
    {
        virtual ~Callable() = default;
        virtual void run() = 0;
    };
    template <class F> struct Holder final : Callable
    {
        explicit Holder(F f) : call(std::move(f)) {}
        void run() override { call(); }
        F call;
    };
    std::unique_ptr<Callable> _call;
};

} // namespace nanomq
