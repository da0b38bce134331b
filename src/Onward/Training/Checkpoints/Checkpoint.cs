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
/// A run between two steps, with all it needs to go on bit for bit: parameters, the optimiser's state, the place in the epoch
/// and what has been measured so far. Random draws need no state: each is a function of the seed and of where it is made.
/// </summary>
/// <remarks>
/// Its file is in the safetensors format. The parameters have the names of a model file, their velocities the same behind
/// <c>velocity. </c>, their averages, if there are any, behind <c>average. </c>, and what the rule has learnt beside the model, if it does,
/// behind
/// <c>feedback.</c>; the rest is JSON in the metadata, beside a checksum of every byte of the file.
/// </remarks>
public sealed class Checkpoint
{
    /// <summary>The version of the file that this library writes, and the newest that it reads.</summary>
    public const int FileVersion = 2;

    private const string Key = "onward.checkpoint";
    private const string VelocityPrefix = "velocity.";
    private const string AveragePrefix = "average.";
    private const string FeedbackPrefix = "feedback.";

    private static readonly JsonSerializerOptions Json = new(ModelFile.Json)
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectRequiredConstructorParameters = true,
    };

    internal Checkpoint(
        LocalMixer model, ParameterVector velocity, ParameterVector? average, ParameterVector? feedback, TrainingOptions options, string images,
        RunState state, string? rule = null, int? vectorBits = null, string path = "")
    {
        (Model, Velocity, Average, Feedback, Options) = (model, velocity, average, feedback, options);
        (Images, State, Rule, VectorBits, Path) = (images, state, rule, vectorBits, path);
    }

    /// <summary>The model; while its run goes on, the run's own, which the next step changes.</summary>
    public LocalMixer Model { get; }

    /// <summary>The optimiser's velocities, likewise.</summary>
    public ParameterVector Velocity { get; }

    /// <summary>The moving average of the parameters, likewise; null where none is kept.</summary>
    public ParameterVector? Average { get; }

    /// <summary>How the model is trained.</summary>
    public TrainingOptions Options { get; }

    /// <summary>The learning rule (<see cref="LearningRule.Description"/>); null where an earlier version wrote the file.</summary>
    public string? Rule { get; }

    /// <summary>
    /// Bits of the vectors that its steps were computed with (<see cref="Kernels.Gemm.VectorBits"/>): with others, a run goes on in other
    /// last bits. Null where an earlier version wrote the file.
    /// </summary>
    public int? VectorBits { get; }

    /// <summary>What each epoch that has ended came to.</summary>
    public IReadOnlyList<EpochMetrics> Epochs => State.Epochs;

    /// <summary>Steps done in the epoch under way.</summary>
    public int Step => State.Step;

    /// <summary>Steps that the readout of a network without labels has done in it, after those.</summary>
    public int ReadoutStep => State.ReadoutStep;

    /// <summary>
    /// The epoch with the lowest error on the test set so far, the first of equal ones; 0 before the first epoch has ended.
    /// </summary>
    public int BestEpoch => State.BestEpoch;

    /// <summary>
    /// What the rule has learnt beside the model (<see cref="LearnedFeedback.Matrices"/>), likewise; null where it learns nothing.
    /// </summary>
    internal ParameterVector? Feedback { get; }

    /// <summary>Names the images, so that a run goes on with no others.</summary>
    internal string Images { get; }

    internal RunState State { get; }

    /// <summary>The file that it was read from; empty where it was not.</summary>
    internal string Path { get; }

    /// <summary>Writes it to a file, or leaves the file that was there whole.</summary>
    /// <param name="path">The file to create or to replace.</param>
    /// <exception cref="IOException">The folder is missing or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder may not be written to.</exception>
    public void Save(string path) => Save(path, FileVersion);

    /// <summary>Reads one from its file.</summary>
    /// <param name="path">A file that <see cref="Save(string)"/> wrote.</param>
    /// <exception cref="ModelFileException">The file is missing, unreadable, damaged, of a newer version, or no checkpoint.</exception>
    public static Checkpoint Load(string path)
    {
        using SafetensorsReader file = new(path);
        if (!file.Metadata.TryGetValue(Key, out string? text))
        {
            throw new ModelFileException($"{path}: no checkpoint ({Key}) in the metadata. Use a file that a training run of Onward kept.");
        }

        file.VerifyChecksum();
        Content content = Read(path, text);
        bool averages = content.Options.AverageDecay > 0;
        long feedbackLength = file.LengthOf(FeedbackPrefix);
        LocalMixer model = new(ModelFile.ReadOptions(path, file, vectors: averages ? 3 : 2, besides: feedbackLength));
        ParameterVector velocity = new(model.Values.Layout);
        ParameterVector? average = averages ? new ParameterVector(model.Values.Layout) : null;
        ParameterVector? feedback = feedbackLength > 0 ? new ParameterVector(LearnedFeedback.LayoutOf(model)) : null;
        file.Read(
            [("", model.Values), (VelocityPrefix, velocity), .. Optional(AveragePrefix, average), .. Optional(FeedbackPrefix, feedback)]);
        return new Checkpoint(
            model, velocity, average, feedback, content.Options, content.Images, content.State, content.Rule, content.VectorBits, path);
    }

    /// <summary>
    /// A copy of the model as an evaluation sees it: with the moving average of the parameters, if the run keeps one.
    /// At the end of an epoch this is the model that the epoch's test error was measured on.
    /// </summary>
    public LocalMixer EvaluatedModel()
    {
        LocalMixer model = new(Model.Options);
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

    /// <summary>Refuses to go on with another model, other options, another learning rule or other images.</summary>
    /// <exception cref="ModelFileException">It is of another run.</exception>
    internal void RequireRun(LocalMixer model, TrainingOptions options, string rule, ImageDataset images, int stepsPerEpoch)
    {
        RequireSame("model", Model.Options, model.Options);
        RequireSame("training", Options, options);
        if (Rule is not null && Rule != rule)
        {
            throw Foreign($"its learning rule is {Rule}; the run has {rule}. Give it the rule that it was begun with.");
        }

        if (!ImageIdentity.IsOf(Images, images))
        {
            throw Foreign("the run has other images: their pixels (in folders: names or sizes of files), labels or statistics differ. "
                + "Give it the images that it was begun with.");
        }

        if (!State.Fits(options.Epochs, stepsPerEpoch, model.Blocks.Count, model.Options.IsSelfSupervised))
        {
            throw Foreign(
                $"it stands at step {Step} of epoch {Epochs.Count + 1}, which a run of {options.Epochs} epochs of {stepsPerEpoch} steps does not have.");
        }
    }

    internal void Save(string path, int version)
    {
        string content = JsonSerializer.Serialize(new Content(version, Options, Images, State, Rule, VectorBits), Json);
        SafetensorsWriter.Write(
            path,
            [("", Model.Values), (VelocityPrefix, Velocity), .. Optional(AveragePrefix, Average), .. Optional(FeedbackPrefix, Feedback)],
            new Dictionary<string, string> { [ModelFile.OptionsKey] = JsonSerializer.Serialize(Model.Options, ModelFile.Json), [Key] = content });
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
                    $"{path}: a checkpoint of version {version}; this program reads up to {FileVersion}. Go on with the version of Onward that wrote it, or a newer one.")
                { IsOfNewerVersion = true };
            }

            if (version is >= 1 and <= FileVersion
                && JsonSerializer.Deserialize<Content>(text, Json) is Content content && content.State.Epochs.All(
                    epoch => epoch is not null))
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
                throw Foreign($"its {what} has {name} {was}, the run has {@is}. Give it the options that it was begun with.");
            }
        }
    }

    private ModelFileException Foreign(string message) => new($"{(Path.Length > 0 ? Path : "checkpoint")}: of another run: {message}");

    // The first version named neither rule nor vectors.
    private sealed record Content(
        int Version, TrainingOptions Options, string Images, RunState State, string? Rule = null, int? VectorBits = null);
}
