// The long form of the storm, and its proof: see scripts/storm --help.
//
//   long_storm [--rounds 1000] [--bad 1500] [--seed 1]

#include "Storm.h"

#include <exception>
#include <iostream>
#include <string>
#include <vector>

int main(int argc, char** argv)
{
    nanomq::test::Storm::Options options{.rounds = 1'000, .bad = 1'500, .seed = 1,
                                         .progress = &std::cout};
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try
    {
        for (std::size_t i = 0; i + 1 < arguments.size(); i += 2)
        {
            const auto value = static_cast<unsigned>(std::stoul(arguments[i + 1]));
            if (arguments[i] == "--rounds") options.rounds = std::max(1u, value);
            else if (arguments[i] == "--bad") options.bad = value;
            else if (arguments[i] == "--seed") options.seed = value;
            else throw std::invalid_argument(arguments[i]);
        }
        nanomq::test::Storm(options).run().print(std::cout);
        return 0;
    }
    catch (const std::exception& wrong)
    {
        std::cerr << "storm: " << wrong.what() << '\n';
        return 1;
    }
}
