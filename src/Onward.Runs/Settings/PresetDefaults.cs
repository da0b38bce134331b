using System.Globalization;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Training;

namespace Onward.Runs;

/// <summary>
/// The default settings of training, by preset and rule. Networks of files have those of <see cref="Model"/>, and networks of other papers
/// those of the preset for the same images.
/// </summary>
/// <param name="Epochs">Passes over the training set.</param>
/// <param name="LearningRate">The full learning rate.</param>
internal sealed record PresetDefaults(int Epochs, double LearningRate)
{
    private static readonly string[] Models = ["S/1/1", "M/1/16", "M/8/16", "L/8/64", "L/32/64"];

    private static readonly int[] EpochsByModel = [300, 120, 30, 5, 5];

    // A row for each rule, a column for each preset.
    private static readonly Dictionary<string, double[]> LearningRates = new(StringComparer.OrdinalIgnoreCase)
    {
        ["BP"] = [0.3, 0.1, 0.03, 0.02, 0.02],
        ["L-BP"] = [0.3, 0.1, 0.03, 0.02, 0.02],
        ["LG-BP"] = [0.3, 0.1, 0.03, 0.02, 0.02],
        ["FA"] = [0.3, 0.1, 0.03, 0.02, 0.02],
        ["L-FA"] = [0.3, 0.3, 0.03, 0.02, 0.02],
        ["LG-FA"] = [0.3, 0.3, 0.03, 0.02, 0.02],
        ["DFA"] = [0.3, 0.3, 0.03, 0.02, 0.02],
        ["FG-W"] = [0.03, 0.03, 0.03, 0.02, 0.02],
        ["FG-A"] = [0.01, 0.01, 0.03, 0.02, 0.02],
        ["LG-FG-W"] = [0.03, 0.03, 0.03, 0.02, 0.02],
        ["LG-FG-A"] = [0.02, 0.03, 0.05, 0.005, 0.002],
    };

    // With learned feedback little noise is left in LG-FG-A, so it takes the rates of the exact gradient where those were tried.
    private static readonly double[] LearnedFeedbackRates = [0.1, 0.1, 0.05, 0.005, 0.002];

    /// <summary>
    /// Factor of the learning rate of contrastive runs. Their rates are for 256 images in a step, and at the default temperature the
    /// gradient of a comparison is several times smaller than the gradient of a classification.
    /// </summary>
    internal const double ContrastiveRateScale = 10;

    /// <summary>
    /// The rate of AdamW, the default of PyTorch, and of Muon, whose updates have the size of AdamW's. Neither depends on the scale of the
    /// gradients, so that rules and objectives need no rates of their own.
    /// </summary>
    internal const double AdaptiveRate = 0.001;

    /// <summary>The rate of AdamW and Muon for the presets of one block, the best of those that were tried (docs/results.md).</summary>
    internal const double AdaptiveRateOfOneBlock = 0.003;

    /// <summary>The preset that is trained when none is named.</summary>
    internal static string Model => "M/1/16";

    /// <summary>Examples in a step.</summary>
    internal int BatchSize { get; init; } = 128;

    /// <summary>The optimizer, which has its own rate, momentum and weight decay.</summary>
    internal OptimizerKind Optimizer { get; init; } = OptimizerKind.Sgd;

    /// <summary>Momentum; beta 1 of AdamW.</summary>
    internal double Momentum { get; init; } = 0.9;

    /// <summary>Weight decay on matrices.</summary>
    internal double WeightDecay { get; init; } = 1e-4;

    /// <summary>The shape of the learning rate.</summary>
    internal ScheduleShape Schedule { get; init; } = ScheduleShape.Cosine;

    /// <summary>Epochs over which the learning rate rises; a shorter run has none longer than itself.</summary>
    internal double WarmupEpochs { get; init; } = 1;

    /// <summary>A default of every preset with the project's own rule, as a help text shows it.</summary>
    internal static string Show(Func<PresetDefaults, IFormattable> value) =>
        string.Join(
            ", ", Models.Select(model => $"{model} {value(For(model, PaperRules.Default)).ToString(null, CultureInfo.InvariantCulture)}"))
        + "; mlp as M/1/16, other networks as M/8/16";

    /// <summary>The images that the paper trains a preset on: MNIST, CIFAR-10, or 100 classes of ImageNet.</summary>
    internal static (int Side, int Channels, int Classes) ImagesFor(string model) => PresetLike(model).Split('/')[1] switch
    {
        "1" => (28, 1, 10),
        "8" => (32, 3, 10),
        _ => (224, 3, 100),
    };

    /// <summary>The preset whose images and defaults a network has.</summary>
    private static string PresetLike(string model) => Models.Contains(model, StringComparer.OrdinalIgnoreCase) ? model
        : !NamedNetworks.Names.Contains(model) || model == "mlp" ? Model
        : "M/8/16";

    /// <summary>The defaults of a preset, a rule, an objective, what predicts the rule's gradients, and an optimizer.</summary>
    internal static PresetDefaults For(
        string model,
        string rule,
        bool contrastive = false,
        ControlVariate controlVariate = ControlVariate.None,
        OptimizerKind optimizer = OptimizerKind.Sgd)
    {
        int column = Array.FindIndex(Models, name => name.Equals(PresetLike(model), StringComparison.OrdinalIgnoreCase));
        double[] rates = RuleSettings.PredictsWithinBlocks(rule, controlVariate) ? LearnedFeedbackRates : LearningRates[rule];
        PresetDefaults defaults = new(EpochsByModel[column], rates[column] * (contrastive ? ContrastiveRateScale : 1))
        {
            Optimizer = optimizer,
        };
        return optimizer is OptimizerKind.AdamW or OptimizerKind.Muon
            ? defaults with
            {
                LearningRate = IsOneBlock(model) ? AdaptiveRateOfOneBlock : AdaptiveRate,
                Momentum = optimizer == OptimizerKind.Muon ? Muon.DefaultMomentum : AdamW.DefaultBeta1,
                WeightDecay = AdamW.DefaultWeightDecay,
            }
            : defaults;
    }

    private static bool IsOneBlock(string model) =>
        Models.Any(name => name.Equals(model, StringComparison.OrdinalIgnoreCase) && name.Split('/')[1] == "1");

    /// <summary>A run with these defaults.</summary>
    /// <param name="epochs">Passes over the training set; null for the default.</param>
    /// <param name="seed">Names the run's draws.</param>
    internal TrainingOptions Training(int? epochs, ulong seed) => new()
    {
        Epochs = epochs ?? Epochs,
        BatchSize = BatchSize,
        Optimizer = Optimizer,
        LearningRate = LearningRate,
        Momentum = Momentum,
        WeightDecay = WeightDecay,
        Schedule = Schedule,
        WarmupEpochs = Math.Min(WarmupEpochs, epochs ?? Epochs),
        Seed = seed,
    };
}
