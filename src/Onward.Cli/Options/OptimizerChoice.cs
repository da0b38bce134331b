using System.CommandLine;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options that choose the optimizer, and the settings of its update.</summary>
internal sealed class OptimizerChoice
{
    private static readonly IReadOnlyList<string> Names = [.. Enum.GetNames<OptimizerKind>().Select(name => name.ToLowerInvariant())];

    private readonly Option<double?> _momentum = ValueOption.Number(
        "--momentum",
        "Momentum of the optimizer, beta1 of adamw. Default 0.9; 0.95 for muon",
        "from 0 to below 1",
        value => value is >= 0 and < 1);
    private readonly Option<double?> _beta2 = ValueOption.Number(
        "--beta2",
        "Decay of the mean squared gradients of adamw, and of the part of muon that is adamw. Default 0.999",
        "from 0 to below 1",
        value => value is >= 0 and < 1);
    private readonly Option<double?> _weightDecay = ValueOption.Number(
        "--weight-decay",
        "Weight decay of the weight matrices. Default 0.0001; 0.01 for adamw and muon",
        "0 or above",
        value => value >= 0);
    private readonly Option<double?> _clipNorm = ValueOption.Number(
        "--clip-norm",
        "Largest norm of all gradients of a step together. Larger gradients are scaled down to it. Default: no limit",
        "above 0",
        value => value > 0);

    /// <summary>The option for the optimizer.</summary>
    internal Option<string?> Kind { get; } = ValueOption.Name(
        "--optimizer", $"Optimizer: {ValueOption.List(Names)}. Default sgd", Names);

    /// <summary>The option for the momentum.</summary>
    internal Option Momentum => _momentum;

    /// <summary>The option for the weight decay.</summary>
    internal Option WeightDecay => _weightDecay;

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in new Option[] { Kind, _momentum, _beta2, _weightDecay, _clipNorm })
        {
            command.Add(option);
        }
    }

    /// <summary>Reads the optimizer from the command line.</summary>
    internal OptimizerKind ReadKind(ParseResult parse) =>
        parse.GetValue(Kind) is string name ? Enum.Parse<OptimizerKind>(name, ignoreCase: true) : OptimizerKind.Sgd;

    /// <summary>Reads the settings of the optimizer from the command line, with defaults for the others.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="defaults">The defaults of the optimizer.</param>
    internal TrainingOptions Read(ParseResult parse, TrainingOptions defaults)
    {
        if (parse.GetValue(_beta2) is not null && defaults.Optimizer is (OptimizerKind.Sgd or OptimizerKind.Lars))
        {
            throw new CommandFault(
                $"--beta2 does not apply to --optimizer {defaults.Optimizer.ToString().ToLowerInvariant()}. "
                + "Leave it out, or choose adamw or muon.");
        }

        return defaults with
        {
            Momentum = parse.GetValue(_momentum) ?? defaults.Momentum,
            Beta2 = parse.GetValue(_beta2) ?? defaults.Beta2,
            WeightDecay = parse.GetValue(_weightDecay) ?? defaults.WeightDecay,
            ClipNorm = parse.GetValue(_clipNorm) ?? defaults.ClipNorm,
        };
    }
}
