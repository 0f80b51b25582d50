#pragma once

#include "nanomq/plugin.h"

namespace nanomq::sdk
{
inline namespace v1
{

/// Reads the broker's one registry of figures, in which the kernel's and all plugins' series
/// stand: for plugins that show them ($SYS, Prometheus, REST).
///
///     struct Sum final : MetricsReader::Visitor
///     {
///         void series(const MetricsReader::Series& one) override { all += one.value; }
///         double all = 0;
///     } sum;
///     get<MetricsReader>().snapshot(&sum);
class MetricsReader
{
public:
    static constexpr const char* kInterface = "nanomq.metrics_reader/1";

    enum class Kind : std::uint32_t
    {
        Counter = 0, ///< only grows; from 0 after a start of the broker
        Gauge = 1,   ///< goes up and down
    };

    /// One figure at one moment. Valid for the call it comes with.
    struct Series
    {
        std::uint32_t size;
        Kind kind;
        Str name;   ///< as Prometheus has it: "nanomq_messages_received_total"
        Str labels; ///< likewise, without braces, values escaped: reason="queue_full"; may be empty
        Str help;   ///< a phrase
        double value;
    };

    class Visitor
    {
    public:
        /// No exception may leave it.
        virtual void series(const Series& one) = 0;

    protected:
        ~Visitor() = default;
    };

    /// Shows every series there is, those of one name together, in the order of names and labels.
    /// Reads a figure just before it is shown, without stopping anybody: figures of one snapshot
    /// may be some microseconds apart. Takes as long as there are series (10,000 at most).
    /// Thread: [host], [executor].
    virtual void snapshot(Visitor* visitor) = 0;

protected:
    ~MetricsReader() = default;
};

} // namespace v1
} // namespace nanomq::sdk
