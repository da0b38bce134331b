using System.CommandLine;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options that choose what a network learns: classes, or to tell images apart, and how its losses measure that.</summary>
internal sealed class ObjectiveChoice
{
    private const int DefaultProjection = 128;

    private static readonly IReadOnlyList<string> Optimizers = [.. Enum.GetNames<OptimizerKind>().Select(name => name.ToLowerInvariant())];

    private readonly Option<string?> _objective = ValueOption.Name(
        "--objective",
        "What is learnt: supervised (default), from labels, or contrastive, from two views of each image and then a linear readout",
        [ObjectiveSettings.Supervised, ObjectiveSettings.Contrastive]);
    private readonly Option<bool> _overlap =
        new("--overlap") { Description = "Let each block of LG-BP or LG-FA learn from the next block's loss too: less greedy, more time and memory" };
    private readonly Option<int?> _projection = ValueOption.Whole(
        "--projection", $"Outputs of the heads that compare views. Default {DefaultProjection}", 2, 1 << 16);
    private readonly Option<double?> _temperature = ValueOption.Number(
        "--temperature", "Temperature of the contrastive loss. Default 0.5", "above 0", value => value > 0);
    private readonly Option<double?> _readoutRate = ValueOption.Number(
        "--readout-lr", "Learning rate of the linear readout after a contrastive epoch. Default 0.01", "above 0", value => value > 0);
    private readonly Option<double?> _readoutScale = ValueOption.Number(
        "--readout-scale",
        "What --lr is multiplied by for the final readout of a supervised run; the paper's code has 0.1. Default 1",
        "above 0",
        value => value > 0);
    private readonly Option<string?> _optimizer = ValueOption.Name(
        "--optimizer", $"How gradients become updates: {ValueOption.List(Optimizers)}. Default sgd", Optimizers);

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _objective, _overlap, _projection, _temperature, _readoutRate, _readoutScale, _optimizer })
        {
            command.Add(option);
        }
    }

    /// <summary>What the command line says, with defaults for the rest.</summary>
    internal ObjectiveSettings Read(ParseResult parse)
    {
        bool contrastive = parse.GetValue(_objective) == ObjectiveSettings.Contrastive;
        foreach (Option option in contrastive ? new Option[] { _readoutScale } : [_projection, _temperature, _readoutRate])
        {
            if (parse.GetResult(option) is { Implicit: false })
            {
                throw new CommandFault(
                    $"{option.Name} means nothing to --objective {(contrastive ? ObjectiveSettings.Contrastive : ObjectiveSettings.Supervised)}. Leave it out, or choose another objective.");
            }
        }

        ObjectiveSettings defaults = ObjectiveSettings.Default;
        return new ObjectiveSettings(
            contrastive ? parse.GetValue(_projection) ?? DefaultProjection : 0,
            parse.GetValue(_overlap),
            parse.GetValue(_temperature) ?? defaults.Temperature,
            parse.GetValue(_readoutRate) ?? defaults.ReadoutLearningRate,
            parse.GetValue(_readoutScale) ?? defaults.ReadoutRateScale,
            parse.GetValue(_optimizer) is string name ? Enum.Parse<OptimizerKind>(name, ignoreCase: true) : defaults.Optimizer);
    }
}
