using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Onward.Data;
using Onward.Imaging;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Training;

namespace Onward.Runs;

/// <summary>Every option of a run as it was resolved: what <c>config.json</c> holds.</summary>
internal sealed record RunConfiguration
{
    internal static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        WriteIndented = true,

        // A program of a single file has reflection switched off by default.
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(),
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase, allowIntegerValues: false) },
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The option that <see cref="ImagesChecksum"/> is in <c>config.json</c>.</summary>
    internal const string ChecksumName = "imagesChecksum";

    /// <summary>The options that may differ when a run is continued: they change no result, or a notice tells of them.</summary>
    internal static readonly string[] BesideResult = ["version", "threads", "data", "datasetSource", "parallel", "environment"];

    // What follows from the options and the images; a fault names an option first.
    private static readonly string[] Derived = ["version", "parameters", "trainingImages", ChecksumName];

    public required string Version { get; init; }

    public required string Rule { get; init; }

    public required string Perturbation { get; init; }

    public required int Passes { get; init; }

    /// <summary>Whether values of a block are computed again on the way back; changes memory and time, no result.</summary>
    public bool Recompute { get; init; }

    public required LossScope LossScope { get; init; }

    /// <summary>Outputs of the heads of a contrastive run; 0 for a supervised one.</summary>
    public int Projection { get; init; }

    /// <summary>Weight of a similarity loss, which version 0.1 had; 0 in every run that can be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double Similarity { get; init; }

    /// <summary>Whether a block learns from the next block's loss too.</summary>
    public bool Overlap { get; init; }

    /// <summary>Whether the layers of a block are perturbed one at a time.</summary>
    public bool Layerwise { get; init; }

    /// <summary>Layers that are perturbed; all in runs of version 0.1, which do not say so.</summary>
    public NoiseSites NoiseSites { get; init; }

    /// <summary>What predicts gradients; nothing in runs of version 0.1, which do not say so.</summary>
    public ControlVariate ControlVariate { get; init; }

    /// <summary>Temperature of the contrastive loss; null for a supervised run.</summary>
    public double? Temperature { get; init; }

    /// <summary>Learning rate of the linear readout; null for a supervised run.</summary>
    public double? ReadoutLearningRate { get; init; }

    /// <summary>What the learning rate was multiplied by for the readout of a supervised run.</summary>
    public double ReadoutRateScale { get; init; } = 1;

    public OptimizerKind Optimizer { get; init; }

    /// <summary>How training images were changed.</summary>
    public string Augmentation { get; init; } = "none";

    /// <summary>The least area of a crop; null where none is cropped by area.</summary>
    public double? AreaMin { get; init; }

    /// <summary>What became of blank views; runs of earlier versions, which do not say so, kept them.</summary>
    public BlankViews BlankViews { get; init; }

    /// <summary>The preset.</summary>
    public required string Model { get; init; }

    /// <summary>Number added to the variance in each normalisation; runs of version 0.1, which do not say so, have the paper's.</summary>
    public float Epsilon { get; init; } = LocalMixerOptions.PaperEpsilon;

    /// <summary>How patches are mixed; runs of earlier versions, which do not say so, mix them by a matrix.</summary>
    public TokenMixer Mixer { get; init; }

    /// <summary>Patches along each side of the kernel, if there is one.</summary>
    public int KernelSide { get; init; } = 3;

    /// <summary>How the blocks differ in size; null where they do not.</summary>
    public NetworkScaling? Scaling { get; init; }

    /// <summary>The preset and what sets the network apart from it.</summary>
    [JsonIgnore]
    public ModelSettings Network => new(Model, Mixer, KernelSide, Scaling, Epsilon);

    public required long Parameters { get; init; }

    public required string Dataset { get; init; }

    public required string DatasetSource { get; init; }

    /// <summary>The folder that <c>--data</c> named, in full; null where the data was found or drawn.</summary>
    public required string? Data { get; init; }

    /// <summary>Rows and columns that images in folders were brought to; null for other data.</summary>
    public int? ImageSize { get; init; }

    /// <summary>True if images in folders were smoothed before they were made smaller; runs of earlier versions did not.</summary>
    public bool Antialias { get; init; }

    /// <summary>How images were standardised and classes are named; null in runs of versions that did not keep it.</summary>
    public ImageDescription? Images { get; init; }

    public required int TrainingImages { get; init; }

    /// <summary>Checksum of the images to learn and to report errors on; null in runs of versions that did not keep it.</summary>
    public string? ImagesChecksum { get; init; }

    /// <summary>Images held out from the training set, on which errors are reported; 0 where the test set serves.</summary>
    public required int Validation { get; init; }

    /// <summary>True if errors are reported on a validation set that the data set has of its own; not kept by earlier versions.</summary>
    public bool HasValidationSet { get; init; }

    /// <summary>
    /// True if the images held out were drawn by the seed, the same share of each class; false for the last ones, as in version 0.1.
    /// </summary>
    public bool StratifiedValidation { get; init; }

    public required int Epochs { get; init; }

    public required int BatchSize { get; init; }

    public required double LearningRate { get; init; }

    public required double Momentum { get; init; }

    public required double WeightDecay { get; init; }

    public required ScheduleShape Schedule { get; init; }

    public required double WarmupEpochs { get; init; }

    /// <summary>What each step keeps of the average of the weights; 0 where there is none.</summary>
    public double Ema { get; init; }

    /// <summary>Steps of an epoch at most; null for all.</summary>
    public int? LimitBatches { get; init; }

    /// <summary>Batches of images of an evaluation at most; null for all images.</summary>
    public int? LimitTestBatches { get; init; }

    /// <summary>Batches whose images were learnt alone, and on which errors are reported; null where all were.</summary>
    public int? OverfitBatches { get; init; }

    /// <summary>Epochs without a new lowest error after which the run ends; null where it does not.</summary>
    public int? EarlyStop { get; init; }

    /// <summary>Steps of each epoch whose gradients are compared with exact ones.</summary>
    public int MeasureGradients { get; init; }

    /// <summary>What errors are reported on.</summary>
    [JsonIgnore]
    public string HeldOut => OverfitBatches is not null ? "training" : Validation > 0 || HasValidationSet ? "validation" : "test";

    /// <summary>
    /// The name of the error that an epoch measures while it trains: of the classes, or of finding the other view of an image.
    /// </summary>
    [JsonIgnore]
    public string LearntError => Projection > 0 ? "contrastive error" : "train error";

    public required ulong Seed { get; init; }

    public required int Threads { get; init; }

    /// <summary>Shares of a batch x stages of blocks of the processes that shared the run; null for one process.</summary>
    public string? Parallel { get; init; }

    /// <summary>Where the run was begun; null in runs of versions that did not keep it.</summary>
    public RunEnvironment? Environment { get; init; }

    /// <summary>The options that the run was begun with and that this version no longer has; null where it has all.</summary>
    [JsonIgnore]
    internal string? Retired => Rule is "FD-A" or "FD-W" or "LG-FD-A" or "LG-FD-W" ? $"--rule {Rule}"
        : Similarity != 0 ? "--similarity"
        : Overlap && !RuleOptions.Fits("--overlap", Rule) ? $"--overlap with --rule {Rule}"
        : null;

    /// <summary>Whether this program has what the names stand for.</summary>
    internal bool HasKnownNames =>
        Datasets.Names.Contains(Dataset) && LocalMixerPresets.Names.Contains(Model) && PaperRules.Names.Contains(Rule)
        && RuleSettings.PerturbationNames.Contains(Perturbation)
        && (AugmentationSettings.Names.Contains(Augmentation) || Augmentation == ObjectiveSettings.Contrastive);

    /// <summary>Whether a run can have these numbers, and these settings together.</summary>
    internal bool IsInRange
    {
        get
        {
            try
            {
                RunPlan plan = RunPlan.Of(this, Threads);
                plan.Training.Validate();
                _ = ToJson(); // a number too large is read as infinity, which cannot be written
                return Validation >= 0 && Passes >= 1 && Threads >= 1 && OverfitBatches is null or >= 1
                    && RuleOptions.ConflictOf(plan.Rule, plan.Objective, plan.Model) is null;
            }
            catch (ArgumentException)
            {
                return false;
            }
        }
    }

    /// <summary>The first option that another run has of another value, and both values as JSON; null where there is none.</summary>
    /// <remarks>A run without a checksum of its images may have any images.</remarks>
    /// <param name="other">The other run.</param>
    /// <param name="ignored">Options that may differ.</param>
    internal (string Name, string Value, string Other)? FirstDifference(RunConfiguration other, params IReadOnlyList<string> ignored)
    {
        // Earlier versions took validation sets for test sets, and names as they are spelled.
        JsonObject mine = (this with { Images = Composed(Images) }).ToJson();
        RunConfiguration theirs = other with
        {
            HasValidationSet = HasValidationSet && other.HasValidationSet,
            Images = Composed(other.Images),
        };
        IEnumerable<KeyValuePair<string, JsonNode?>> compared = theirs.ToJson().Where(option => !ignored.Contains(option.Key));
        foreach ((string name, JsonNode? value) in compared.OrderBy(option => Array.IndexOf(Derived, option.Key)))
        {
            if (!JsonNode.DeepEquals(mine[name], value) && !(name == ChecksumName && ImagesChecksum is null))
            {
                return (name, Show(mine[name]), Show(value));
            }
        }

        return null;
    }

    /// <summary>The images, as a table shows them.</summary>
    internal string DescribeData() => OverfitBatches is not null
        ? string.Create(CultureInfo.InvariantCulture, $"{Dataset}, {TrainingImages:N0} images alone, on which errors are reported")
        : HasValidationSet ? $"{Dataset}, errors on its validation set"
        : Validation == 0
        ? Dataset
        : string.Create(CultureInfo.InvariantCulture, $"{Dataset}, {Validation:N0} training images held out for validation");

    /// <summary>The options by their names.</summary>
    internal JsonObject ToJson() => JsonSerializer.SerializeToNode(this, Json)!.AsObject();

    private static ImageDescription? Composed(ImageDescription? images) => images is null
        ? null
        : images with { ClassNames = [.. images.ClassNames.Select(name => name is null ? "" : PathName.Compose(name))] };

    private static string Show(JsonNode? value) => value?.ToJsonString(Json) ?? "not given";
}
