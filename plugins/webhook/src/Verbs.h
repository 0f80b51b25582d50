#pragma once

#include "Delivery.h"
#include "nanomq/services.h"

#include <memory>
#include <string>
#include <vector>

namespace webhook
{

/// What `nanomqctl webhook` offers: status, test, dead list, dead replay, dead drop; README.md
/// tells arguments and answers. Each works on all endpoints, or on that of `--endpoint=NAME`.
/// Thread: [any].
class Verbs
{
public:
    using Deliveries = std::vector<std::unique_ptr<Delivery>>;

    /// @param deliveries  outlives the verbs, and does not change after init().
    explicit Verbs(const Deliveries& deliveries) : _deliveries(deliveries) {}
    /// [host]
    void registerAt(nanomq::sdk::Control& control);

    std::string status(const std::string& arguments) const;
    std::string test(const std::string& arguments) const;
    std::string deadList(const std::string& arguments) const;
    std::string deadReplay(const std::string& arguments) const;
    std::string deadDrop(const std::string& arguments) const;

private:
    class Arguments;

    const Deliveries& _deliveries;
};

} // namespace webhook
