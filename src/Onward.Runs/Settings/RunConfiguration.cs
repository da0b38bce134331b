using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Onward.Data;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Rules;
using Onward.Training;

namespace Onward.Runs;

/// <summary>Every option of a run as it was resolved, as <c>config.json</c> holds it.</summary>
internal sealed partial record RunConfiguration
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

    // The plan of a run whose file leaves out the settings that earlier versions did not have.
    private static readonly RunPlan Unsaid = new(
        new ModelSettings("", TokenMixer.Matrix, ModelSettings.DefaultKernelSide, null, LocalMixerOptions.PaperEpsilon),
        RuleSettings.Default("", threads: 0),
        LossScope.All,
        ObjectiveSettings.Default,
        new AugmentationSettings("none", null, BlankViews.Keep),
        new TrainingOptions { Epochs = 0, LearningRate = 0, Seed = 0 })
    { StratifiedValidation = false };

    /// <summary>The run as it was resolved.</summary>
    /// <param name="plan">The plan, fitted to the images.</param>
    /// <param name="data">The images that it chose.</param>
    /// <param name="parameters">Parameters of the model.</param>
    internal static RunConfiguration Of(RunPlan plan, TrainingData data, long parameters) => new()
    {
        Plan = plan,
        Version = RunEnvironment.Version,
        Parameters = parameters,
        Dataset = data.Dataset,
        DatasetSource = data.Images.Source,
        Data = data.Directory,
        ImageSize = data.Dataset == Datasets.Folder ? data.Images.Training.Height : null,
        Context = data.Dataset == Datasets.Text ? data.Images.Training.Height : null,
        Antialias = data.Dataset == Datasets.Folder && data.Images.Training.Antialias,
        Images = ImageDescription.Of(data.Images),
        TrainingImages = data.Images.Training.Count,
        ImagesChecksum = data.Images.Checksum(),
        Validation = data.Validation,
        HasValidationSet = data.HasValidationSet,
        Environment = RunEnvironment.Current,
    };

    /// <summary>The plan of the run. Each of its settings has a property below, by the name that the file gives it.</summary>
    internal RunPlan Plan { get; private init; } = Unsaid;

    /// <summary>The run with another number of epochs.</summary>
    internal RunConfiguration Lengthened(int epochs) => epochs == Epochs ? this : this with
    {
        Plan = Plan with { Options = Plan.Options with { Epochs = epochs }, EpochsBefore = [.. Plan.EpochsBefore, Epochs] },
    };

    /// <summary>The plan, to be trained by other threads.</summary>
    internal RunPlan PlanOn(int threads) => Plan with { Rule = Plan.Rule with { Threads = threads } };

    private RuleSettings RulePart { get => Plan.Rule; init => Plan = Plan with { Rule = value }; }

    private ObjectiveSettings ObjectivePart { get => Plan.Objective; init => Plan = Plan with { Objective = value }; }

    private AugmentationSettings ViewsPart { get => Plan.Views; init => Plan = Plan with { Views = value }; }

    private ModelSettings NetworkPart { get => Plan.Model; init => Plan = Plan with { Model = value }; }

    private TrainingOptions TrainingPart { get => Plan.Options; init => Plan = Plan with { Options = value }; }

    public required string Version { get; init; }

    [JsonRequired]
    public string Rule { get => RulePart.Rule; init => RulePart = RulePart with { Rule = value }; }

    [JsonRequired]
    public string Perturbation { get => RulePart.Perturbation; init => RulePart = RulePart with { Perturbation = value }; }

    [JsonRequired]
    public int Passes { get => RulePart.Passes; init => RulePart = RulePart with { Passes = value }; }

    /// <summary>True if values of a block are computed again on the way back; changes memory and time, no result.</summary>
    public bool Recompute { get => RulePart.Recompute; init => RulePart = RulePart with { Recompute = value }; }

    [JsonRequired]
    public LossScope LossScope { get => Plan.LossScope; init => Plan = Plan with { LossScope = value }; }

    /// <summary>Outputs of the heads of a contrastive run; 0 for a supervised one.</summary>
    public int Projection { get => ObjectivePart.Projection; init => ObjectivePart = ObjectivePart with { Projection = value }; }

    /// <summary>Weight of a similarity loss, which version 0.1 had; 0 in every run that can be read.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double Similarity { get; init; }

    /// <summary>True if a block learns from the next block's loss too.</summary>
    public bool Overlap { get => ObjectivePart.Overlap; init => ObjectivePart = ObjectivePart with { Overlap = value }; }

    /// <summary>True if the layers of a block are perturbed one at a time.</summary>
    public bool Layerwise { get => RulePart.Layerwise; init => RulePart = RulePart with { Layerwise = value }; }

    /// <summary>Layers that are perturbed; all in runs of version 0.1, which do not say so.</summary>
    public NoiseSites NoiseSites { get => RulePart.Sites; init => RulePart = RulePart with { Sites = value }; }

    /// <summary>The prediction of gradients; none in runs of version 0.1, which do not say so.</summary>
    public ControlVariate ControlVariate { get => RulePart.ControlVariate; init => RulePart = RulePart with { ControlVariate = value }; }

    /// <summary>The derivatives that noise on weights is multiplied by; the paper's in runs that do not say so.</summary>
    public WeightCredit WeightCredit { get => RulePart.WeightCredit; init => RulePart = RulePart with { WeightCredit = value }; }

    /// <summary>Temperature of the contrastive loss; null for a supervised run.</summary>
    public double? Temperature { get => ObjectivePart.Temperature; init => ObjectivePart = ObjectivePart with { Temperature = value }; }

    /// <summary>Learning rate of the linear readout; null for a supervised run.</summary>
    public double? ReadoutLearningRate
    {
        get => ObjectivePart.ReadoutLearningRate;
        init => ObjectivePart = ObjectivePart with { ReadoutLearningRate = value };
    }

    /// <summary>Factor of the learning rate for the readout of a supervised run.</summary>
    public double ReadoutRateScale
    {
        get => ObjectivePart.ReadoutRateScale;
        init => ObjectivePart = ObjectivePart with { ReadoutRateScale = value };
    }

    /// <summary>The optimizer; runs of the first version, which do not say so, have SGD.</summary>
    public OptimizerKind Optimizer { get => TrainingPart.Optimizer; init => TrainingPart = TrainingPart with { Optimizer = value }; }

    /// <summary>The changes that were made to training images.</summary>
    public string Augmentation { get => ViewsPart.Name; init => ViewsPart = ViewsPart with { Name = value }; }

    /// <summary>The least area of a crop; null where none is cropped by area.</summary>
    public double? AreaMin { get => ViewsPart.LeastArea; init => ViewsPart = ViewsPart with { AreaMin = value }; }

    /// <summary>The treatment of blank views; runs of earlier versions, which do not say so, kept them.</summary>
    public BlankViews BlankViews { get => ViewsPart.Blanks ?? BlankViews.Keep; init => ViewsPart = ViewsPart with { Blanks = value }; }

    /// <summary>The preset or named network, or the name of <see cref="OwnNetwork"/>.</summary>
    [JsonRequired]
    public string Model { get => NetworkPart.Preset; init => NetworkPart = NetworkPart with { Preset = value }; }

    /// <summary>Number added to the variance in each normalisation; runs of version 0.1, which do not say so, have the paper's.</summary>
    public float Epsilon { get => NetworkPart.Epsilon; init => NetworkPart = NetworkPart with { Epsilon = value }; }

    /// <summary>The mixing of patches; runs of earlier versions, which do not say so, mix them by a matrix.</summary>
    public TokenMixer Mixer { get => NetworkPart.Mixer; init => NetworkPart = NetworkPart with { Mixer = value }; }

    /// <summary>Patches along each side of the kernel, if there is one.</summary>
    public int KernelSide { get => NetworkPart.KernelSide; init => NetworkPart = NetworkPart with { KernelSide = value }; }

    /// <summary>The scaling of the blocks; null where they do not differ in size.</summary>
    public NetworkScaling? Scaling { get => NetworkPart.Scaling; init => NetworkPart = NetworkPart with { Scaling = value }; }

    /// <summary>The network of a file, which <see cref="Model"/> names; null for a preset.</summary>
    [JsonPropertyName("network"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public NetworkFile? OwnNetwork { get => NetworkPart.File; init => NetworkPart = NetworkPart with { File = value }; }

    /// <summary>The network.</summary>
    [JsonIgnore]
    public ModelSettings Network => Plan.Model;

    public required long Parameters { get; init; }

    public required string Dataset { get; init; }

    public required string DatasetSource { get; init; }

    /// <summary>The full path of the folder that the user named; null where the data was found or drawn.</summary>
    public required string? Data { get; init; }

    /// <summary>Rows and columns that images in folders were brought to; null for other data.</summary>
    public int? ImageSize { get; init; }

    /// <summary>Characters of a window of a text; null for images.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Context { get; init; }

    /// <summary>True if images in folders were smoothed before they were made smaller; runs of earlier versions did not.</summary>
    public bool Antialias { get; init; }

    /// <summary>The statistics of the images and the names of classes; null in runs of versions that did not keep them.</summary>
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
    public bool StratifiedValidation
    {
        get => Validation > 0 && Plan.StratifiedValidation;
        init => Plan = Plan with { StratifiedValidation = value };
    }

    [JsonRequired]
    public int Epochs { get => TrainingPart.Epochs; init => TrainingPart = TrainingPart with { Epochs = value }; }

    [JsonRequired]
    public int BatchSize { get => TrainingPart.BatchSize; init => TrainingPart = TrainingPart with { BatchSize = value }; }

    [JsonRequired]
    public double LearningRate { get => TrainingPart.LearningRate; init => TrainingPart = TrainingPart with { LearningRate = value }; }

    [JsonRequired]
    public double Momentum { get => TrainingPart.Momentum; init => TrainingPart = TrainingPart with { Momentum = value }; }

    /// <summary>Fraction of the mean squared gradient that AdamW keeps; other optimizers do not read it.</summary>
    public double Beta2 { get => TrainingPart.Beta2; init => TrainingPart = TrainingPart with { Beta2 = value }; }

    /// <summary>Largest norm of all gradients of a step; null for no limit.</summary>
    public double? ClipNorm { get => TrainingPart.ClipNorm; init => TrainingPart = TrainingPart with { ClipNorm = value }; }

    [JsonRequired]
    public double WeightDecay { get => TrainingPart.WeightDecay; init => TrainingPart = TrainingPart with { WeightDecay = value }; }

    [JsonRequired]
    public ScheduleShape Schedule { get => TrainingPart.Schedule; init => TrainingPart = TrainingPart with { Schedule = value }; }

    [JsonRequired]
    public double WarmupEpochs { get => TrainingPart.WarmupEpochs; init => TrainingPart = TrainingPart with { WarmupEpochs = value }; }

    /// <summary>The file of the initial weights; null where all were drawn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Init { get => Plan.Init?.Path; init => Plan = Plan with { Init = With(Plan.Init, value, Plan.Init?.Checksum) }; }

    /// <summary>The checksum of that file.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? InitChecksum
    {
        get => Plan.Init?.Checksum;
        init => Plan = Plan with { Init = With(Plan.Init, Plan.Init?.Path, value) };
    }

    /// <summary>The blocks that were left as they are; null where all were trained.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Freeze { get => Plan.Freeze; init => Plan = Plan with { Freeze = value }; }

    /// <summary>The numbers of epochs that the run had before it was lengthened; null where it was not.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<int>? EpochsBefore
    {
        get => Plan.EpochsBefore.Count == 0 ? null : Plan.EpochsBefore;
        init => Plan = Plan with { EpochsBefore = value ?? [] };
    }

    /// <summary>Decay of the average of the weights; 0 where there is none.</summary>
    public double Ema { get => TrainingPart.AverageDecay; init => TrainingPart = TrainingPart with { AverageDecay = value }; }

    /// <summary>Steps of an epoch at most; null for all.</summary>
    public int? LimitBatches { get => TrainingPart.MaximumSteps; init => TrainingPart = TrainingPart with { MaximumSteps = value }; }

    /// <summary>Batches of images of an evaluation at most; null for all images.</summary>
    public int? LimitTestBatches
    {
        get => TrainingPart.MaximumTestBatches;
        init => TrainingPart = TrainingPart with { MaximumTestBatches = value };
    }

    /// <summary>Batches whose images were learnt alone, and on which errors are reported; null where all were.</summary>
    public int? OverfitBatches { get => Plan.OverfitBatches; init => Plan = Plan with { OverfitBatches = value }; }

    /// <summary>Epochs without a new lowest error after which the run ends; null where it does not.</summary>
    public int? EarlyStop { get => TrainingPart.Patience; init => TrainingPart = TrainingPart with { Patience = value }; }

    /// <summary>Steps of each epoch whose gradients are compared with exact ones.</summary>
    public int MeasureGradients { get => TrainingPart.ComparedSteps; init => TrainingPart = TrainingPart with { ComparedSteps = value }; }

    /// <summary>The images that errors are reported on.</summary>
    [JsonIgnore]
    public string HeldOut => OverfitBatches is not null ? "training" : Validation > 0 || HasValidationSet ? "validation" : "test";

    /// <summary>
    /// The name of the error that an epoch measures while it trains: of the classes, or of finding the other view of an image.
    /// </summary>
    [JsonIgnore]
    public string LearntError => Projection > 0 ? "contrastive error" : "train error";

    /// <summary>True if the run learns a text, which is measured in bits per character.</summary>
    [JsonIgnore]
    public bool IsText => Dataset == Datasets.Text;

    /// <summary>The name of the measure that an epoch takes while it trains.</summary>
    [JsonIgnore]
    public string LearntMeasure => IsText ? "train bits/char" : LearntError;

    /// <summary>The name of the measure that an epoch takes at its end.</summary>
    [JsonIgnore]
    public string HeldOutMeasure => IsText ? $"{HeldOut} bits/char" : $"{HeldOut} error";

    [JsonRequired]
    public ulong Seed { get => TrainingPart.Seed; init => TrainingPart = TrainingPart with { Seed = value }; }

    [JsonRequired]
    public int Threads { get => RulePart.Threads; init => RulePart = RulePart with { Threads = value }; }

    /// <summary>Shares of a batch x stages of blocks of the processes that shared the run; null for one process.</summary>
    public string? Parallel { get; init; }

    /// <summary>The machine that the run was begun on; null in runs of versions that did not keep it.</summary>
    public RunEnvironment? Environment { get; init; }

    /// <summary>The options that the run was begun with and that this version no longer has; null where it has all.</summary>
    [JsonIgnore]
    internal Func<HostWords, string>? Retired => Rule is "FD-A" or "FD-W" or "LG-FD-A" or "LG-FD-W" ? say => $"{say.Setting("rule")} {Rule}"
        : Similarity != 0 ? say => say.Setting("similarity")
        : Overlap && !RuleOptions.Fits("overlap", Rule) ? say => $"{say.Setting("overlap")} with {say.Setting("rule")} {Rule}"
        : null;

    /// <summary>True if this program knows all names.</summary>
    internal bool HasKnownNames =>
        Datasets.Names.Contains(Dataset) && PaperRules.Names.Contains(Rule)
        && (OwnNetwork is not null || ModelSettings.Names.Contains(Model))
        && RuleSettings.PerturbationNames.Contains(Perturbation)
        && (AugmentationSettings.Names.Contains(Augmentation) || Augmentation == ObjectiveSettings.Contrastive);

    /// <summary>True if a run can have these numbers.</summary>
    internal bool IsInRange
    {
        get
        {
            try
            {
                Plan.Training.Validate();
                _ = ToJson(); // a number too large is read as infinity, which cannot be written
                return Validation >= 0 && Passes >= 1 && Threads >= 1 && OverfitBatches is null or >= 1;
            }
            catch (ArgumentException)
            {
                return false;
            }
        }
    }

    /// <summary>The images, as a table shows them.</summary>
    internal string DescribeData() => OverfitBatches is not null
        ? string.Create(CultureInfo.InvariantCulture, $"{Dataset}, {TrainingImages:N0} images alone, on which errors are reported")
        : HasValidationSet ? $"{Dataset}, errors on its validation set"
        : Validation == 0
        ? Dataset
        : string.Create(CultureInfo.InvariantCulture, $"{Dataset}, {Validation:N0} training images held out for validation");

    /// <summary>The word for what an epoch goes through: windows of a text, or images.</summary>
    internal string Examples => IsText ? "windows" : "images";

    /// <summary>Formats what a run is measured by: bits per character of a text, else the error.</summary>
    /// <param name="error">The error, in percent.</param>
    /// <param name="loss">The loss, in nats.</param>
    internal string Measure(double error, double loss) => IsText
        ? Figures.Bits(loss)
        : string.Create(CultureInfo.InvariantCulture, $"{error:0.00} %");

    /// <summary>The options by their names.</summary>
    internal JsonObject ToJson() => JsonSerializer.SerializeToNode(this, Json)!.AsObject();

    // A file of which only one half is known yet has an empty other half.
    private static InitialWeights? With(InitialWeights? init, string? path, string? checksum) =>
        path is null && checksum is null ? init : new InitialWeights(path ?? "", checksum ?? "");
}
