// Provides a service to other plugins.

#include "nanomq/plugin_base.h"
#include "word_list_service.h"

#include <stdexcept>
#include <string>
#include <vector>

using namespace nanomq::sdk;

class WordList final : public PluginBase, private WordListService
{
    class Words final : public Config::Visitor
    {
    public:
        void key(Str /*key*/, Str value, Str /*where*/) override { texts.emplace_back(value.view()); }
        std::vector<std::string> texts;
    };

    void onInit() override
    {
        Words words;
        get<Config>().keys("word_list.word.", &words);
        _words = std::move(words.texts);
        if (get<Registry>().provide(kService, static_cast<WordListService*>(this)) != 0)
            throw std::runtime_error(std::string("another plugin provides ") + kService);
    }

    bool hasListedWord(Bytes text) const override
    {
        for (const auto& word : _words)
            if (!word.empty() && text.view().find(word) != std::string_view::npos) return true;
        return false;
    }

    std::vector<std::string> _words; // not changed after onInit(): read by any thread
};

NANOMQ_PLUGIN(WordList, "word_list", "1.0.0", NANOMQ_PLUGIN_RELOAD_OVERLAP)
