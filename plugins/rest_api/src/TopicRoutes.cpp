// Topic Filters: the tree of subscriptions, and what is routed.

#include "Routes.h"
#include "Walks.h"

namespace rest_api
{

namespace sdk = nanomq::sdk;

namespace
{

void listRoutes(const Services& services, const Request& request, Reply& reply)
{
    request.allowQuery({"topic", "_like_topic", "_page", "_limit"});
    const std::string* const topic = request.queryText("topic");
    const std::string* const part = request.queryText("_like_topic");
    Page page(request);
    DataList list(reply);
    Walks(services).routes(part ? *part : std::string(), [&](const sdk::Query::Route& route) {
        if ((topic && *topic != route.topicFilter.view()) || !page.take()) return true;
        auto item = makeObject();
        item->set("topic", std::string(route.topicFilter.view()));
        item->set("node", Services::kNode);
        item->set("subscribers", route.subscribers);
        list.add(item);
        return true;
    });
    list.end(page.meta());
}

void showRoute(const Services& services, const Request& request, Reply& reply)
{
    const std::string& topic = request.parameterText("topic");
    DataList list(reply);
    Walks(services).routes(topic, [&](const sdk::Query::Route& route) {
        if (route.topicFilter.view() != topic) return true;
        auto item = makeObject();
        item->set("topic", topic);
        item->set("node", Services::kNode);
        item->set("subscribers", route.subscribers);
        list.add(item);
        return false;
    });
    list.end({});
}

constexpr const char* kRoutesDoc =
    R"("parameters":[{"$ref":"#/components/parameters/page"},{"$ref":"#/components/parameters/limit"},)"
    R"({"name":"topic","in":"query","schema":{"type":"string"}},)"
    R"({"name":"_like_topic","in":"query","schema":{"type":"string"}}],)"
    R"("responses":{"200":{"$ref":"#/components/responses/list"}})";
constexpr const char* kTreeDoc = R"("responses":{"200":{"$ref":"#/components/responses/topicTree"}})";

} // namespace

void addTopicRoutes(Router& router, const Services& services)
{
    using Role = sdk::HttpRole;
    router.add({"GET", "/api/v4/topic-tree", Role::Reader,
                "All subscriptions as a tree, level by level", kTreeDoc,
                [&services](const Request& request, Reply& reply) {
                    request.allowQuery({});
                    TopicTree tree;
                    fillTopicTree(services, tree);
                    reply.append("{\"code\":0,\"data\":");
                    tree.write(reply, "clientid");
                    if (tree.truncated()) reply.append(",\"meta\":{\"truncated\":true}");
                    reply.append("}");
                }});
    for (const char* path : {"/api/v4/routes", "/api/v4/topics"})
        router.add({"GET", path, Role::Reader, "Topic Filters that have subscribers", kRoutesDoc,
                    [&services](const Request& request, Reply& reply) {
                        listRoutes(services, request, reply);
                    }});
    router.add({"GET", "/api/v4/routes/{topic}", Role::Reader, "One Topic Filter",
                R"("responses":{"200":{"$ref":"#/components/responses/list"}})",
                [&services](const Request& request, Reply& reply) {
                    showRoute(services, request, reply);
                }});
}

void fillTopicTree(const Services& services, TopicTree& tree)
{
    sdk::Query::ClientFilter all{};
    all.size = sizeof all;
    Walks(services).subscriptions(all, [&tree](const sdk::Query::Subscription& one) {
        return tree.add(one.topicFilter.view(), one.clientId.view());
    });
}

} // namespace rest_api
