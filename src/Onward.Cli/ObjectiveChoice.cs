using System.CommandLine;
using Onward.Learning;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options that choose what a network learns: classes, or to tell images apart, and how its losses measure that.</summary>
internal sealed class ObjectiveChoice
{
    internal const string Supervised = "supervised";
    internal const string Contrastive = "contrastive";

    private const int DefaultProjection = 128;

    private static readonly IReadOnlyList<string> Optimizers = [.. Enum.GetNames<OptimizerKind>().Select(name => name.ToLowerInvariant())];

    private readonly Option<string?> _objective = ValueOption.Name("--objective", "What is learnt: supervised (default), from labels, or contrastive, from two views of each image and then a linear readout", [Supervised, Contrastive]);
    private readonly Option<bool> _overlap = new("--overlap") { Description = "Let each block of LG-BP or LG-FA learn from the next block's loss too: less greedy, more time and memory" };
    private readonly Option<int?> _projection = ValueOption.Whole("--projection", $"Outputs of the heads that compare views. Default {DefaultProjection}", 2, 1 << 16);
    private readonly Option<double?> _temperature = ValueOption.Number("--temperature", "Temperature of the contrastive loss. Default 0.5", "above 0", value => value > 0);
    private readonly Option<double?> _readoutRate = ValueOption.Number("--readout-lr", "Learning rate of the linear readout after a contrastive epoch. Default 0.01", "above 0", value => value > 0);
    private readonly Option<double?> _readoutScale = ValueOption.Number("--readout-scale", "What --lr is multiplied by for the final readout of a supervised run; the paper's code has 0.1. Default 1", "above 0", value => value > 0);
    private readonly Option<string?> _optimizer = ValueOption.Name("--optimizer", $"How gradients become updates: {ValueOption.List(Optimizers)}. Default sgd", Optimizers);

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _objective, _overlap, _projection, _temperature, _readoutRate, _readoutScale, _optimizer })
        {
            command.Add(option);
        }
    }

    /// <summary>What the command line says, with defaults for the rest.</summary>
    internal Settings Read(ParseResult parse)
    {
        bool contrastive = parse.GetValue(_objective) == Contrastive;
        foreach (Option option in contrastive ? new Option[] { _readoutScale } : [_projection, _temperature, _readoutRate])
        {
            if (parse.GetResult(option) is { Implicit: false })
            {
                throw new CommandFault($"{option.Name} means nothing to --objective {(contrastive ? Contrastive : Supervised)}. Leave it out, or choose another objective.");
            }
        }

        Settings defaults = Settings.Default;
        return new Settings(
            contrastive ? parse.GetValue(_projection) ?? DefaultProjection : 0,
            parse.GetValue(_overlap),
            parse.GetValue(_temperature) ?? defaults.Temperature,
            parse.GetValue(_readoutRate) ?? defaults.ReadoutLearningRate,
            parse.GetValue(_readoutScale) ?? defaults.ReadoutRateScale,
            parse.GetValue(_optimizer) is string name ? Enum.Parse<OptimizerKind>(name, ignoreCase: true) : defaults.Optimizer);
    }

    /// <summary>What a network learns.</summary>
    /// <param name="Projection">Outputs of the heads where views are compared; 0 where heads classify.</param>
    /// <param name="Overlap">Whether a block learns from the next block's loss too.</param>
    /// <param name="Temperature">Temperature of the contrastive loss.</param>
    /// <param name="ReadoutLearningRate">Rate of the linear readout.</param>
    /// <param name="ReadoutRateScale">What the learning rate is multiplied by for the readout where heads classify.</param>
    /// <param name="Optimizer">How gradients become updates.</param>
    internal sealed record Settings(int Projection, bool Overlap, double Temperature, double ReadoutLearningRate, double ReadoutRateScale, OptimizerKind Optimizer)
    {
        /// <summary>What is learnt when no option says otherwise.</summary>
        internal static Settings Default { get; } = new(0, false, new TrainingLoss().Temperature, TrainingOptions.DefaultReadoutLearningRate, 1, OptimizerKind.Sgd);

        /// <summary>Whether views are compared.</summary>
        internal bool IsContrastive => Projection > 0;

        /// <summary>What the losses measure.</summary>
        internal TrainingLoss Loss => new() { Temperature = Temperature };

        /// <summary>The heads that the network needs. Those that compare views read the block's output as it is, as in the paper's code.</summary>
        internal LocalMixerOptions Adapt(LocalMixerOptions model) => IsContrastive
            ? model with { Projection = Projection, Normalizations = model.Normalizations & ~Normalizations.Inter }
            : model;

        /// <summary>How the network is trained for it: rates of contrastive runs are for 256 images in a step (spec 5).</summary>
        internal TrainingOptions Adapt(TrainingOptions training) =>
            training with { Optimizer = Optimizer, ReadoutLearningRate = ReadoutLearningRate, ReadoutRateScale = ReadoutRateScale, ScalesRateWithBatch = IsContrastive };
    }
}
