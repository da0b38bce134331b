using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Onward.Data;
using Onward.Engine;
using Onward.Formats;
using Onward.Models;
using Onward.Rules;

namespace Onward.Training;

/// <summary>
/// A run between two steps, with all state needed to continue it bit for bit: parameters, optimiser state, position in the
/// epoch and measurements so far.
/// </summary>
/// <remarks>
/// Random draws need no state, because each is a function of the seed and of its place in the run. The file format is
/// safetensors. Parameters have the names of a model file. The prefix <c>velocity.</c> marks their velocities, <c>squares.</c> their mean
/// squared gradients, <c>average.</c> their moving averages, and <c>feedback.</c> the learned feedback matrices. The other state is JSON in
/// the metadata, next to a checksum of every byte of the file.
/// </remarks>
public sealed class Checkpoint
{
    /// <summary>File version that this library writes, and the newest version that it reads.</summary>
    public const int FileVersion = 3;

    private const string Key = "onward.checkpoint";
    private const string VelocityPrefix = "velocity.";
    private const string SquaresPrefix = "squares.";
    private const string AveragePrefix = "average.";
    private const string FeedbackPrefix = "feedback.";

    private static readonly JsonSerializerOptions Json = new(ModelFile.Json)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectRequiredConstructorParameters = true,
    };

    internal Checkpoint(
        Network model,
        ParameterVector velocity,
        ParameterVector? average,
        ParameterVector? feedback,
        TrainingOptions options,
        string images,
        RunState state)
    {
        (Model, Velocity, Average, Feedback, Options) = (model, velocity, average, feedback, options);
        (Images, State) = (images, state);
    }

    /// <summary>The model. A checkpoint taken during a run refers to the run's own model, which the next step changes.</summary>
    public Network Model { get; }

    /// <summary>The optimiser's velocities. During a run, the next step changes them.</summary>
    public ParameterVector Velocity { get; }

    /// <summary>
    /// The mean squared gradients of the parameters; null if the optimiser keeps none. During a run, the next step changes them.
    /// </summary>
    public ParameterVector? Squares { get; internal init; }

    /// <summary>The moving average of the parameters; null if the run keeps none. During a run, the next step changes it.</summary>
    public ParameterVector? Average { get; }

    /// <summary>The training options of the run.</summary>
    public TrainingOptions Options { get; }

    /// <summary>
    /// The learning rule (<see cref="TrainingStep.Description"/>); null if the file was written by a version that did not store
    /// it.
    /// </summary>
    public string? Rule { get; internal init; }

    /// <summary>Metrics of each finished epoch.</summary>
    public IReadOnlyList<EpochMetrics> Epochs => State.Epochs;

    /// <summary>Number of steps done in the current epoch.</summary>
    public int Step => State.Step;

    /// <summary>
    /// Number of readout steps done in the current epoch. In a self-supervised run, they follow the steps of the network.
    /// </summary>
    public int ReadoutStep => State.ReadoutStep;

    /// <summary>
    /// The epoch with the lowest test error so far, the first one if several are equal; 0 before the first epoch has ended.
    /// </summary>
    public int BestEpoch => State.BestEpoch;

    /// <summary>
    /// Feedback matrices that the rule has learned (<see cref="LearnedFeedback.Matrices"/>); null if it learns none. During a
    /// run, the next step changes them.
    /// </summary>
    internal ParameterVector? Feedback { get; }

    /// <summary>Checksum of the images, so that a run is only resumed with the same images.</summary>
    internal string Images { get; }

    internal RunState State { get; }

    /// <summary>Path of the file that the checkpoint was read from; empty if it was not read from a file.</summary>
    internal string Path { get; init; } = "";

    /// <summary>Writes the checkpoint to a file. If writing fails, an existing file is left intact.</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the folder is denied.</exception>
    public void Save(string path) => Save(path, FileVersion);

    /// <summary>Reads a checkpoint from a file.</summary>
    /// <param name="path">A file that <see cref="Save(string)"/> wrote.</param>
    /// <exception cref="ModelFileException">The file is missing, unreadable, damaged, of a newer version, or not a checkpoint.</exception>
    public static Checkpoint Load(string path)
    {
        using SafetensorsReader file = new(path);
        if (!file.Metadata.TryGetValue(Key, out string? text))
        {
            throw new ModelFileException(
                $"{path}: no checkpoint ({Key}) in the metadata. Use a checkpoint that a training run of Onward wrote.");
        }

        file.VerifyChecksum();
        Content content = Read(path, text);
        bool averages = content.Options.AverageDecay > 0;
        long feedbackLength = file.LengthOf(FeedbackPrefix);
        bool keepsSquares = content.Options.CreateOptimizer().KeepsSquares;
        int vectors = 2 + (averages ? 1 : 0) + (keepsSquares ? 1 : 0);
        Network model = ModelFile.Create(path, file, vectors, besides: feedbackLength);
        ParameterVector velocity = new(model.Values.Layout);
        ParameterVector? squares = keepsSquares ? new ParameterVector(model.Values.Layout) : null;
        ParameterVector? average = averages ? new ParameterVector(model.Values.Layout) : null;
        ParameterVector? feedback = feedbackLength > 0 ? new ParameterVector(LearnedFeedback.LayoutOf(model)) : null;
        file.Read(
            [
                ("", model.Values), (VelocityPrefix, velocity), .. Optional(SquaresPrefix, squares), .. Optional(AveragePrefix, average),
                .. Optional(FeedbackPrefix, feedback),
            ]);
        return new Checkpoint(model, velocity, average, feedback, content.Options, content.Images, content.State)
        {
            Squares = squares,
            Rule = content.Rule,
            Path = path,
        };
    }

    /// <summary>Copies the model as it is evaluated: with the moving average of the parameters, if the run keeps one.</summary>
    /// <remarks>At the end of an epoch, this is the model whose test error the epoch reports.</remarks>
    public Network EvaluatedModel()
    {
        Network model = Model.WithoutValues();
        Model.Values.All.CopyTo(model.Values.All);
        if (Average is not null)
        {
            foreach (TrainedParameter part in TrainedParameter.Of(model, Options))
            {
                Average[part.Parameter].CopyTo(model.Values[part.Parameter]);
            }
        }

        return model;
    }

    /// <summary>The checkpoint as that of a run with another number of epochs, whose learning rates the run has from here on.</summary>
    /// <param name="epochs">Number of epochs of the run, at least the finished ones.</param>
    /// <exception cref="ArgumentOutOfRangeException">More epochs have ended.</exception>
    public Checkpoint WithEpochs(int epochs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(epochs, Math.Max(1, Epochs.Count));
        return new Checkpoint(Model, Velocity, Average, Feedback, Options with { Epochs = epochs }, Images, State)
        {
            Squares = Squares,
            Rule = Rule,
            Path = Path,
        };
    }

    /// <summary>
    /// Requires that the checkpoint belongs to a run with this model, these options, this learning rule and these images.
    /// </summary>
    /// <exception cref="ModelFileException">The checkpoint belongs to another run.</exception>
    internal void RequireRun(Network model, TrainingOptions options, string rule, ImageDataset images, int stepsPerEpoch)
    {
        if (Model.Mixer is not null && model.Mixer is not null)
        {
            RequireSame("model", Model.Mixer, model.Mixer);
        }
        else if (ModelFile.Describe(Model).Value != ModelFile.Describe(model).Value)
        {
            throw Foreign("its network has other layers than the network of the run. Use the network that the run was started with.");
        }

        RequireSame("training", Options, options);
        if (Rule is not null && Rule != rule)
        {
            throw Foreign($"its learning rule is {Rule}; the run has {rule}. Use the rule that the run was started with.");
        }

        if (!ImageIdentity.IsOf(Images, images))
        {
            throw Foreign(
                "the run has other images: their pixels (in folders: names or sizes of files), labels or statistics differ. "
                + "Use the images that the run was started with.");
        }

        if (!State.Fits(options.Epochs, stepsPerEpoch, model.Blocks.Count, model.IsSelfSupervised))
        {
            throw Foreign(
                $"it stands at step {Step} of epoch {Epochs.Count + 1}, "
                + $"which a run of {options.Epochs} epochs of {stepsPerEpoch} steps does not have.");
        }
    }

    internal void Save(string path, int version)
    {
        string content = JsonSerializer.Serialize(new Content(version, Options, Images, State, Rule), Json);
        SafetensorsWriter.Write(
            path,
            [
                ("", Model.Values), (VelocityPrefix, Velocity), .. Optional(SquaresPrefix, Squares), .. Optional(AveragePrefix, Average),
                .. Optional(FeedbackPrefix, Feedback),
            ],
            new Dictionary<string, string>([ModelFile.Describe(Model), new(Key, content)]));
    }

    private static (string Prefix, ParameterVector Values)[] Optional(string prefix, ParameterVector? values) =>
        values is null ? [] : [(prefix, values)];

    private static Content Read(string path, string text)
    {
        try
        {
            int version = (int?)JsonNode.Parse(text)?["version"] ?? 0;
            if (version > FileVersion)
            {
                throw new ModelFileException(
                    $"{path}: a checkpoint of version {version}; this program reads up to {FileVersion}. "
                    + "Resume with the version of Onward that wrote it, or a newer one.")
                {
                    IsOfNewerVersion = true,
                };
            }

            if (version is >= 1 and <= FileVersion
                && JsonSerializer.Deserialize<Content>(text, Json) is Content content
                && content.State.Epochs.All(epoch => epoch is not null))
            {
                content.Options.Validate();
                return content;
            }
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException or InvalidOperationException or FormatException)
        {
            throw Damaged(fault);
        }

        throw Damaged(null);

        ModelFileException Damaged(Exception? fault) =>
            new($"{path}: the checkpoint in the metadata is damaged. Replace the file with an intact copy.", fault!);
    }

    private void RequireSame<T>(string what, T kept, T asked)
    {
        JsonObject before = JsonSerializer.SerializeToNode(kept, Json)!.AsObject();
        foreach ((string name, JsonNode? now) in JsonSerializer.SerializeToNode(asked, Json)!.AsObject())
        {
            string was = before[name]?.ToJsonString() ?? "null", @is = now?.ToJsonString() ?? "null";
            if (was != @is)
            {
                throw Foreign($"its {what} has {name} {was}, the run has {@is}. Use the options that the run was started with.");
            }
        }
    }

    private ModelFileException Foreign(string message) => new($"{(Path.Length > 0 ? Path : "checkpoint")}: of another run: {message}");

    // Version 1 contained no Rule. Version 2 contained VectorBits, the width of the vectors, on which results depended.
    private sealed record Content(
        int Version, TrainingOptions Options, string Images, RunState State, string? Rule = null,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? VectorBits = null);
}
