#include "RestFixture.h"

#include <Poco/String.h>

#include <cppunit/extensions/HelperMacros.h>

#include <set>

namespace rest_api::test
{

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

/// The document against the routes that are really there, and their answers.
class OpenApiTest : public RestFixture
{
    CPPUNIT_TEST_SUITE(OpenApiTest);
    CPPUNIT_TEST(hasExactlyTheRoutesThatAreServed);
    CPPUNIT_TEST(answersAreAsItSays);
    CPPUNIT_TEST(everyReferenceLeadsSomewhere);
    CPPUNIT_TEST_SUITE_END();

    Object::Ptr _document;

    /// What a reference means; the object itself when it is none.
    Object::Ptr resolved(Object::Ptr object)
    {
        while (object->has("$ref"))
        {
            const auto path = object->getValue<std::string>("$ref");
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, std::string("#/components/"), path.substr(0, 13));
            const auto slash = path.find('/', 13);
            const auto group =
                _document->getObject("components")->getObject(path.substr(13, slash - 13));
            CPPUNIT_ASSERT_MESSAGE(path, group && group->has(path.substr(slash + 1)));
            object = group->getObject(path.substr(slash + 1));
        }
        return object;
    }
    /// Whether a value is what a schema says: type, enum, required, properties, items.
    void check(const std::string& where, const Var& value, Object::Ptr schema)
    {
        schema = resolved(schema);
        if (const auto choices = schema->getArray("enum"))
        {
            bool isOne = false;
            for (const auto& choice : *choices) isOne |= choice.toString() == value.toString();
            CPPUNIT_ASSERT_MESSAGE(where + ": not one of its words", isOne);
        }
        const auto type = schema->optValue<std::string>("type", "");
        const bool isObject = value.type() == typeid(Object::Ptr);
        const bool isArray = value.type() == typeid(Array::Ptr);
        CPPUNIT_ASSERT_MESSAGE(where + ": expected an object", type != "object" || isObject);
        CPPUNIT_ASSERT_MESSAGE(where + ": expected an array", type != "array" || isArray);
        CPPUNIT_ASSERT_MESSAGE(where + ": expected a text", type != "string" || value.isString());
        CPPUNIT_ASSERT_MESSAGE(where + ": expected a number", type != "integer" || value.isInteger());
        CPPUNIT_ASSERT_MESSAGE(where + ": expected truth", type != "boolean" || value.isBoolean());
        if (isArray && schema->has("items"))
            for (const auto& item : *value.extract<Array::Ptr>())
                check(where + "[]", item, schema->getObject("items"));
        if (!isObject) return;
        const auto object = value.extract<Object::Ptr>();
        if (const auto required = schema->getArray("required"))
            for (const auto& name : *required)
                CPPUNIT_ASSERT_MESSAGE(where + ": has no " + name.toString(),
                                       object->has(name.toString()));
        if (const auto properties = schema->getObject("properties"))
            for (const auto& [name, inner] : *properties)
                if (object->has(name))
                    check(where + "." + name, object->get(name), inner.extract<Object::Ptr>());
    }
    static std::string filledIn(std::string path)
    {
        for (const auto& [name, value] : {std::pair{"{clientid}", "one"}, {"{username}", "nobody"},
                                          {"{topic}", "kept"}, {"{plugin}", "rest_api"},
                                          {"{part}", "basic"}, {"{as}", "clientid"},
                                          {"{who}", "nobody"}})
            path = Poco::replace(path, std::string(name), std::string(value));
        return path;
    }
    void walk(const Var& value)
    {
        if (value.type() == typeid(Array::Ptr))
            for (const auto& item : *value.extract<Array::Ptr>()) walk(item);
        if (value.type() != typeid(Object::Ptr)) return;
        const auto object = value.extract<Object::Ptr>();
        resolved(object);
        for (const auto& [name, inner] : *object) walk(inner);
    }

public:
    void setUp() override
    {
        start("http_server.rate_limit = 0\n");
        const auto answer = call({.path = "/api/openapi.json", .user = ""}); // anybody may read it
        CPPUNIT_ASSERT_EQUAL(200, answer.status);
        _document = answer.json();
        CPPUNIT_ASSERT_EQUAL(std::string("3.0.3"), _document->getValue<std::string>("openapi"));
    }

    void hasExactlyTheRoutesThatAreServed()
    {
        std::set<std::string> documented, served;
        for (const auto& [path, operations] : *_document->getObject("paths"))
            for (const auto& [method, operation] : *operations.extract<Object::Ptr>())
                documented.insert(Poco::toUpper(method) + ' ' + path);
        const auto list = get("/api/v4").data();
        for (const auto& item : *list)
        {
            const auto one = item.extract<Object::Ptr>();
            const auto path = one->getValue<std::string>("path");
            const bool isWhole = path.starts_with("/api/") || path == "/metrics";
            // "/metrics" is served at the top and below /api/v4.
            served.insert(one->getValue<std::string>("method") + ' ' +
                          (path == "/" ? "/api/v4" : isWhole ? path : "/api/v4" + path));
            if (path == "/metrics") served.insert("GET /api/v4/metrics");
        }
        CPPUNIT_ASSERT(documented == served);
        for (const auto& route : documented)
        {
            const auto blank = route.find(' ');
            const auto path = filledIn(route.substr(blank + 1));
            const auto method = route.substr(0, blank);
            CPPUNIT_ASSERT_EQUAL_MESSAGE("nobody's method: " + path, 405,
                                         call({.method = "TRACE", .path = path}).status);
            if (path != "/api/openapi.json")
                CPPUNIT_ASSERT_EQUAL_MESSAGE("served, and not to strangers: " + route, 401,
                                             call({.method = method, .path = path, .user = ""}).status);
        }
    }

    void answersAreAsItSays()
    {
        post("/api/v4/mqtt/publish", R"({"topic":"kept","payload":"x","retain":true})");
        post("/api/v4/banned", R"({"who":"nobody","as":"clientid"})");
        for (const nanomq::test::Deadline deadline(nanomq::test::kPatience);
             get("/api/v4/retained/kept").status != 200;)
            CPPUNIT_ASSERT(deadline.remainingMs() > 0);
        int checked = 0;
        for (const auto& [path, operations] : *_document->getObject("paths"))
        {
            const auto all = operations.extract<Object::Ptr>();
            if (!all->has("get") || path == "/api/v1") continue;
            const auto answer = get(filledIn(path));
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path + answer.body, 200, answer.status);
            const auto response =
                resolved(all->getObject("get")->getObject("responses")->getObject("200"));
            const auto content = response->getObject("content");
            const auto type = answer.type.substr(0, answer.type.find(';'));
            CPPUNIT_ASSERT_MESSAGE(path + ": " + type, content->has(type));
            if (type == "application/json")
                check(path, answer.json(), content->getObject(type)->getObject("schema"));
            ++checked;
        }
        CPPUNIT_ASSERT(checked > 20);
        const auto error = call({.path = "/api/v4/clients?bogus=1"}).json();
        check("an error", error, _document->getObject("components")->getObject("schemas")->getObject("error"));
    }

    void everyReferenceLeadsSomewhere() { walk(_document); }
};

CPPUNIT_TEST_SUITE_REGISTRATION(OpenApiTest);

} // namespace rest_api::test
