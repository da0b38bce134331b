using System.CommandLine;
using System.CommandLine.Parsing;
using Onward.Rules;

namespace Onward.Cli;

/// <summary>The options that choose a learning rule and its variants.</summary>
internal sealed class RuleChoice
{
    // A larger number is a typing error.
    private const int MostThreads = 1024;

    private readonly Option<string?> _rule = ValueOption.Name(
        "--rule",
        $"Learning rule, named as in the paper: {string.Join(", ", PaperRules.Names)}. Default {PaperRules.Default}",
        PaperRules.Names);
    private readonly Option<string?> _perturbation = ValueOption.Name(
        "--perturbation",
        "Distribution of the directions of an FG rule: gaussian (default), rademacher, or orthogonal (sets of --passes directions)",
        [.. RuleSettings.PerturbationNames]);
    private readonly Option<int?> _passes = ValueOption.Whole(
        "--passes", "Number of directions that each step of an FG rule averages over. Default 1", 1, ForwardGradient.MaximumPasses);
    private readonly Option<bool> _layerwise = new("--layerwise")
    {
        Description = "For LG-FG-A: perturb the layers of a block one at a time. Lowers the variance; takes a little more time",
    };

    private readonly Option<string?> _sites = ValueOption.Name(
        "--noise-sites",
        "For LG-FG-A and FG-A: the layers that are perturbed. all (default) is the paper's rule. "
        + "hidden leaves out the layer before each loss, whose gradient is then exact",
        ["all", "hidden"]);
    private readonly Option<string?> _controlVariate = ValueOption.Name(
        "--control-variate",
        "For LG-FG-A and FG-A: a prediction of the gradients that lowers the variance of the estimates. none (default) is the "
        + "paper's rule. learned-feedback fits matrices to the estimates; it implies --noise-sites hidden and, for LG-FG-A, --layerwise",
        [.. RuleSettings.ControlVariates.Keys]);
    private readonly Option<string?> _weightCredit = ValueOption.Name(
        "--weight-credit",
        "For LG-FG-W: the losses that noise on a weight is multiplied by. paper (default) leaves out that normalisation mixes channel "
        + "groups, which makes the estimate biased. reach counts every loss that the weight can change: unbiased, with higher variance",
        ["paper", "reach"]);
    private readonly Option<bool> _recompute = new("--recompute")
    {
        Description = "For BP, L-BP, FA and L-FA: recompute the values of blocks in the backward pass. Takes less memory and more time",
    };

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
        command.Add(_weightCredit);
        command.Add(_recompute);
        command.Add(_threads);
    }

    /// <summary>Reads the options from the command line, with defaults for the others.</summary>
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
            rule, perturbation, passes, layerwise, sites, controlVariate, parse.GetValue(_recompute), Threads(parse, _threads))
        {
            WeightCredit = Enum.Parse<WeightCredit>(parse.GetValue(_weightCredit) ?? "paper", ignoreCase: true),
        };
    }

    /// <summary>Refuses options on the command line that do not apply to the rule.</summary>
    internal static void Require(ParseResult parse, string rule)
    {
        foreach (OptionResult given in parse.CommandResult.Children.OfType<OptionResult>())
        {
            if (!given.Implicit && !RuleOptions.Fits(CommandWords.SettingOf(given.Option.Name), rule))
            {
                throw new CommandFault($"{given.Option.Name} does not apply to --rule {rule}. Leave it out, or choose another rule.");
            }
        }
    }

    /// <summary>Creates the option for the number of threads.</summary>
    internal static Option<int?> ThreadsOption() =>
        ValueOption.Whole(
            "--threads",
            "Number of threads. It does not change results. Default: one per processor, shared among the processes of mpirun",
            1,
            MostThreads);

    /// <summary>Returns the number of threads on the command line, or the default.</summary>
    internal static int Threads(ParseResult parse, Option<int?> option) =>
        parse.GetValue(option) ?? Math.Min(Processors.Share, MostThreads);
}
