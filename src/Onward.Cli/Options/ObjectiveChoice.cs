using System.CommandLine;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options that choose the training objective and its losses.</summary>
internal sealed class ObjectiveChoice
{
    private const int DefaultProjection = 128;

    private readonly Option<string?> _objective = ValueOption.Name(
        "--objective",
        "Training objective: supervised (default), from labels, or contrastive, from two views of each image. "
        + "A contrastive run trains a linear readout separately",
        [ObjectiveSettings.Supervised, ObjectiveSettings.Contrastive]);
    private readonly Option<bool> _overlap = new("--overlap")
    {
        Description = "For LG-BP and LG-FA: update each block by the next block's loss too. Takes more time and memory",
    };

    private readonly Option<int?> _projection = ValueOption.Whole(
        "--projection", $"Number of outputs of the projection heads in a contrastive run. Default {DefaultProjection}", 2, 1 << 16);
    private readonly Option<double?> _temperature = ValueOption.Number(
        "--temperature", "Temperature of the contrastive loss. Default 0.5", "above 0", value => value > 0);
    private readonly Option<double?> _readoutRate = ValueOption.Number(
        "--readout-lr", "Learning rate of the linear readout in a contrastive run. Default 0.01", "above 0", value => value > 0);
    private readonly Option<double?> _readoutScale = ValueOption.Number(
        "--readout-scale",
        "Factor that multiplies --lr for the readout of a supervised run. Default 1; the paper's code uses 0.1",
        "above 0",
        value => value > 0);

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _objective, _overlap, _projection, _temperature, _readoutRate, _readoutScale })
        {
            command.Add(option);
        }
    }

    /// <summary>Reads the options from the command line, with defaults for the others.</summary>
    internal ObjectiveSettings Read(ParseResult parse)
    {
        bool contrastive = parse.GetValue(_objective) == ObjectiveSettings.Contrastive;
        foreach (Option option in contrastive ? new Option[] { _readoutScale } : [_projection, _temperature, _readoutRate])
        {
            if (parse.GetResult(option) is { Implicit: false })
            {
                string objective = contrastive ? ObjectiveSettings.Contrastive : ObjectiveSettings.Supervised;
                throw new CommandFault(
                    $"{option.Name} does not apply to --objective {objective}. Leave it out, or choose another objective.");
            }
        }

        ObjectiveSettings defaults = ObjectiveSettings.Default;
        return new ObjectiveSettings(
            contrastive ? parse.GetValue(_projection) ?? DefaultProjection : 0,
            parse.GetValue(_overlap),
            contrastive ? parse.GetValue(_temperature) ?? ObjectiveSettings.DefaultTemperature : null,
            contrastive ? parse.GetValue(_readoutRate) ?? TrainingOptions.DefaultReadoutLearningRate : null,
            parse.GetValue(_readoutScale) ?? defaults.ReadoutRateScale);
    }
}
