#include "plugin/HostThread.h"

#include <pthread.h>
#include <utility>

namespace nanomq
{

HostThread::~HostThread()
{
    if (!_state) return;
    {
        std::lock_guard lock(_state->mutex);
        _state->end = true;
    }
    _state->changed.notify_all();
    _thread.join();
}

bool HostThread::run(Task call, std::chrono::milliseconds deadline)
{
    if (!_state)
    {
        _state = std::make_shared<State>();
        _thread = std::thread([state = _state] { loop(state); });
        ::pthread_setname_np(_thread.native_handle(), "plugin-host");
    }
    std::unique_lock lock(_state->mutex);
    _state->done = false;
    _state->call = std::move(call);
    _state->changed.notify_all();
    if (_state->changed.wait_for(lock, deadline, [this] { return _state->done; })) return true;
    // Somebody else's now; should the call return after all, the thread ends.
    _state->end = true;
    lock.unlock();
    _thread.detach();
    _state.reset();
    return false;
}

void HostThread::loop(const std::shared_ptr<State>& state)
{
    std::unique_lock lock(state->mutex);
    for (;;)
    {
        state->changed.wait(lock, [&] { return state->call || state->end; });
        if (!state->call) return;
        Task call = std::move(*state->call);
        state->call.reset();
        lock.unlock();
        call();
        lock.lock();
        state->done = true;
        state->changed.notify_all();
    }
}

} // namespace nanomq
