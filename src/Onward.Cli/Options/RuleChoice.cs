using System.CommandLine;
using System.CommandLine.Parsing;
using Onward.Rules;

namespace Onward.Cli;

/// <summary>The options that choose a learning rule: the paper's name for it, and where it stands on the axes.</summary>
internal sealed class RuleChoice
{
    // Threads beyond this are a slip of the hand.
    private const int MostThreads = 1024;

    private readonly Option<string?> _rule = ValueOption.Name(
        "--rule",
        $"Learning rule, by the paper's name: {string.Join(", ", PaperRules.Names)}. Default {PaperRules.Default}",
        PaperRules.Names);
    private readonly Option<string?> _perturbation = ValueOption.Name(
        "--perturbation",
        "What the directions of an FG rule are drawn from: gaussian (default), rademacher, or orthogonal sets of --passes",
        [.. RuleSettings.PerturbationNames]);
    private readonly Option<int?> _passes = ValueOption.Whole(
        "--passes", "Directions that each step of an FG rule averages over. Default 1", 1, ForwardGradient.MaximumPasses);
    private readonly Option<bool> _layerwise =
        new("--layerwise") { Description = "Let LG-FG-A perturb the layers of a block one at a time: each direction scatters less, for a little more time" };
    private readonly Option<string?> _sites = ValueOption.Name(
        "--noise-sites",
        "Layers that LG-FG-A or FG-A perturbs: all (default, the paper's rule), or hidden, all except the layer before a loss, "
        + "whose gradient is then exact",
        ["all", "hidden"]);
    private readonly Option<string?> _controlVariate = ValueOption.Name(
        "--control-variate",
        "What predicts the gradients that LG-FG-A or FG-A estimates, so that less noise is left: none (default, the paper's rule), or "
        + "learned-feedback, matrices fitted to the estimates; it brings --noise-sites hidden and, with local losses, --layerwise",
        [.. RuleSettings.ControlVariates.Keys]);
    private readonly Option<bool> _recompute =
        new("--recompute") { Description = "Let BP, L-BP, FA or L-FA compute a block's values again on the way back: less memory, more time" };
    private readonly Option<int?> _threads = ThreadsOption();

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_rule);
        command.Add(_perturbation);
        command.Add(_passes);
        command.Add(_layerwise);
        command.Add(_sites);
        command.Add(_controlVariate);
        command.Add(_recompute);
        command.Add(_threads);
    }

    /// <summary>What the command line says, with defaults for the rest.</summary>
    internal RuleSettings Read(ParseResult parse)
    {
        string rule = parse.GetValue(_rule) ?? PaperRules.Default;
        Require(parse, rule);
        string perturbation = parse.GetValue(_perturbation) ?? RuleSettings.DefaultPerturbation;
        int passes = parse.GetValue(_passes) ?? 1;
        ControlVariate controlVariate = parse.GetValue(_controlVariate) is string kind
            ? RuleSettings.ControlVariates[kind]
            : ControlVariate.None;
        NoiseSites sites = parse.GetValue(_sites) is string name ? Enum.Parse<NoiseSites>(name, ignoreCase: true)
            : controlVariate == ControlVariate.None ? NoiseSites.All : NoiseSites.Hidden;
        bool layerwise = parse.GetValue(_layerwise) || RuleSettings.PredictsWithinBlocks(rule, controlVariate);
        return new RuleSettings(
            rule, perturbation, passes, layerwise, sites, controlVariate, parse.GetValue(_recompute), Threads(parse, _threads));
    }

    /// <summary>Refuses options on the command line that the rule would ignore.</summary>
    internal static void Require(ParseResult parse, string rule)
    {
        foreach (OptionResult given in parse.CommandResult.Children.OfType<OptionResult>())
        {
            if (!given.Implicit && !RuleOptions.Fits(given.Option.Name, rule))
            {
                throw new CommandFault($"{given.Option.Name} means nothing to --rule {rule}. Leave it out, or choose another rule.");
            }
        }
    }

    /// <summary>Makes the option for the number of threads.</summary>
    internal static Option<int?> ThreadsOption() =>
        ValueOption.Whole(
            "--threads",
            "Threads; they change no result. Default: one for each processor, which the ranks of mpirun on a machine share",
            1,
            MostThreads);

    /// <summary>The number of threads that an option asks for, or its default.</summary>
    internal static int Threads(ParseResult parse, Option<int?> option) =>
        parse.GetValue(option) ?? Math.Min(Processors.Share, MostThreads);
}
