using System.CommandLine;
using System.Globalization;
using Onward.Kernels;
using Onward.Laboratory;
using Onward.Rules;

namespace Onward.Cli;

/// <summary>The options of <c>onward variance</c>.</summary>
internal sealed class VarianceOptions
{
    private const int DefaultLayerDraws = 10_000;
    private const int DefaultModelDraws = 200;
    private const int DefaultBatch = 64;
    private const int DefaultSteps = 100;
    private const int MostEntries = 8;

    private static readonly (int, int)[] DefaultLayers = [(16, 8), (64, 32)];
    private static readonly int[] DefaultExamples = [1, 4, 16, 64];

    private readonly Option<(int, int)[]?> _layers = List(
        "--layer",
        "LIST",
        "Linear layers, each fan-in x fan-out, separated by commas. Default 16x8,64x32",
        ReadLayer,
        "sizes such as 64x32, separated by commas");
    private readonly Option<int[]?> _examples = List(
        "--examples",
        "LIST",
        "Batch sizes of a layer, separated by commas. Default 1,4,16,64",
        text => ReadWhole(text, 1, LinearLayerOptions.MostExamples),
        $"whole numbers from 1 to {LinearLayerOptions.MostExamples}, separated by commas");
    private readonly ModelChoice _model = new(
        $"Measure a network on digits, instead of layers: {string.Join(", ", ModelSettings.Names)}");
    private readonly Option<int?> _batchSize = ValueOption.Whole(
        "--batch-size", $"Batch size for a network. Default {DefaultBatch}", 1, NetworkUnderStudy.MostImages);
    private readonly Option<int?> _steps = ValueOption.Whole(
        "--steps", $"Steps for which LG-BP trains a network before the measurement. Default {DefaultSteps}", 1, 1_000_000);
    private readonly Option<int[]?> _passes = List(
        "--passes",
        "LIST",
        "Number of directions that an estimate averages over. For a network, a list separated by commas. Default 1",
        text => ReadWhole(text, 1, ForwardGradient.MaximumPasses),
        $"whole numbers from 1 to {ForwardGradient.MaximumPasses}, separated by commas");
    private readonly Option<int?> _draws = ValueOption.Whole(
        "--draws", $"Number of estimates to draw. Default {DefaultLayerDraws}; {DefaultModelDraws} for a network", 2);
    private readonly Option<string?> _perturbation = ValueOption.Name(
        "--perturbation", "Distribution of the directions: gaussian (default) or rademacher", ["gaussian", "rademacher"]);
    private readonly Option<ulong?> _seed = ValueOption.Seed("--seed", "Seed of all random numbers. Default 1");
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<string?> _out = ValueOption.Folder(
        "--out", "Folder for the plot and the table. Existing files are overwritten. Default: variance");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of tables" };

    /// <summary>Adds the options to the command, in the order of its help.</summary>
    internal void AddTo(Command command)
    {
        Option[] options =
        [
            _layers, _examples, .. _model.All, _batchSize, _steps, _passes, _draws, _perturbation, _seed, _threads, _out, _json,
        ];
        foreach (Option option in options)
        {
            command.Add(option);
        }
    }

    /// <summary>Reads the options from the command line, with defaults for the others.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="resolve">Resolves the path of a file.</param>
    internal Plan Read(ParseResult parse, Func<string, string> resolve)
    {
        bool isNetwork = _model.IsGiven(parse);
        foreach (Option option in !isNetwork ? (Option[])[.. _model.Mixing, _batchSize, _steps] : [_layers, _examples])
        {
            if (parse.GetResult(option) is not null)
            {
                throw new CommandFault(!isNetwork
                    ? $"{option.Name} applies only to a network. Name one with --model or --network, or leave it out."
                    : $"{option.Name} applies only to linear layers, but --model or --network measures a network. Leave one of them out.");
            }
        }

        Plan plan = new(
            Given(parse, _layers) ?? DefaultLayers,
            Given(parse, _examples) ?? DefaultExamples,
            isNetwork ? _model.Read(parse, resolve, PresetDefaults.Model) : null,
            parse.GetValue(_batchSize) ?? DefaultBatch,
            parse.GetValue(_steps) ?? DefaultSteps,
            Given(parse, _passes) ?? [1],
            parse.GetValue(_draws) ?? (isNetwork ? DefaultModelDraws : DefaultLayerDraws),
            parse.GetValue(_perturbation) == "rademacher" ? NoiseDistribution.Rademacher : NoiseDistribution.Gaussian,
            parse.GetValue(_seed) ?? 1,
            RuleChoice.Threads(parse, _threads),
            parse.GetValue(_out) ?? "variance",
            parse.GetValue(_json));
        if (!isNetwork)
        {
            RequireLayers(plan);
        }

        return plan;
    }

    private static void RequireLayers(Plan plan)
    {
        if (plan.Passes.Count > 1)
        {
            throw new CommandFault("--passes takes one number for linear layers. Give one number, or add --model.");
        }

        try
        {
            foreach ((int fanIn, int fanOut) in plan.Layers)
            {
                plan.Layer(fanIn, fanOut, plan.Examples.Max()).Validate();
            }
        }
        catch (ArgumentException fault)
        {
            throw new CommandFault($"{fault.Message} Choose a smaller --layer or fewer --examples.", fault);
        }
    }

    // If an option for an array is not given, its value is an empty array, not null.
    private static T[]? Given<T>(ParseResult parse, Option<T[]?> option) => parse.GetValue(option) is { Length: > 0 } given ? given : null;

    private static Option<T[]?> List<T>(string name, string helpName, string help, Func<string, T?> read, string rule)
        where T : struct => new(name)
        {
            Description = help,
            HelpName = helpName,
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                T?[] values = [.. text.Split(',', MostEntries + 1, StringSplitOptions.TrimEntries).Select(read)];
                if (values.Length > MostEntries || values.Any(value => value is null))
                {
                    result.AddError(string.Create(
                        CultureInfo.InvariantCulture, $"{name} takes up to {MostEntries} {rule}; got {ParseFaults.Quote(text)}."));
                    return null;
                }

                return [.. values.OfType<T>().Distinct()];
            },
        };

    private static int? ReadWhole(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least && value <= most
            ? value
            : null;

    private static (int, int)? ReadLayer(string text) =>
        text.ToUpperInvariant().Split('X') is [string p, string q]
        && ReadWhole(p, 1, LinearLayerOptions.MostWeights) is int fanIn
        && ReadWhole(q, 1, LinearLayerOptions.MostWeights / fanIn) is int fanOut
            ? (fanIn, fanOut)
            : null;

    /// <summary>A measurement.</summary>
    internal sealed record Plan(
        IReadOnlyList<(int FanIn, int FanOut)> Layers,
        IReadOnlyList<int> Examples,
        ModelSettings? Model,
        int BatchSize,
        int Steps,
        IReadOnlyList<int> Passes,
        int Draws,
        NoiseDistribution Noise,
        ulong Seed,
        int Threads,
        string Out,
        bool AsJson)
    {
        /// <summary>The options for measuring a network.</summary>
        internal MixerExperimentOptions Network => new() { Draws = Draws, Seed = Seed, Passes = Passes, Noise = Noise };

        /// <summary>Returns the options for measuring one layer.</summary>
        internal LinearLayerOptions Layer(int fanIn, int fanOut, int examples) =>
            new() { FanIn = fanIn, FanOut = fanOut, Examples = examples, Draws = Draws, Seed = Seed, Passes = Passes[0], Noise = Noise };
    }
}
