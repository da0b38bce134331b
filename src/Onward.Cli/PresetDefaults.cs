using System.Globalization;
using Onward.Optimizers;

namespace Onward.Cli;

/// <summary>How a preset is trained when the command line does not say.</summary>
/// <param name="Epochs">Passes over the training set.</param>
/// <param name="LearningRate">The full learning rate.</param>
internal sealed record PresetDefaults(int Epochs, double LearningRate)
{
    private static readonly Dictionary<string, PresetDefaults> Table = new(StringComparer.OrdinalIgnoreCase)
    {
        ["S/1/1"] = new(Epochs: 300, LearningRate: 0.02),
        ["M/1/16"] = new(Epochs: 120, LearningRate: 0.03),
        ["M/8/16"] = new(Epochs: 10, LearningRate: 0.03),
        ["L/8/64"] = new(Epochs: 5, LearningRate: 0.02),
        ["L/32/64"] = new(Epochs: 5, LearningRate: 0.02),
    };

    /// <summary>The preset that is trained when none is named.</summary>
    internal static string Model => "M/1/16";

    /// <summary>Examples in a step.</summary>
    internal int BatchSize { get; init; } = 128;

    /// <summary>SGD momentum.</summary>
    internal double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay on matrices.</summary>
    internal double WeightDecay { get; init; } = 1e-4;

    /// <summary>How the learning rate falls.</summary>
    internal ScheduleShape Schedule { get; init; } = ScheduleShape.Cosine;

    /// <summary>Epochs over which the learning rate rises; a shorter run has none longer than itself.</summary>
    internal double WarmupEpochs { get; init; } = 1;

    /// <summary>A default of every preset, as a help text shows it.</summary>
    internal static string Show(Func<PresetDefaults, IFormattable> value) =>
        string.Join(", ", Table.Select(preset => $"{preset.Key} {value(preset.Value).ToString(null, CultureInfo.InvariantCulture)}"));

    /// <summary>The defaults of a preset.</summary>
    internal static PresetDefaults For(string model) => Table[model];
}
