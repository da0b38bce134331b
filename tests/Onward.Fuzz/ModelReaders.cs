using Onward.Formats;
using Onward.Models;
using Onward.Rules;
using Onward.Training;

namespace Onward.Fuzz;

/// <summary>The readers of safetensors files: models, and checkpoints of runs.</summary>
internal static class ModelReaders
{
    private static readonly LocalMixerOptions Small = new()
    {
        Blocks = 2,
        PatchesPerSide = 2,
        Channels = 4,
        Groups = 2,
        ImageSide = 4,
        ImageChannels = 1,
        Classes = 3,
    };

    /// <summary>Both.</summary>
    /// <param name="folder">Where seeds, and what was read and is written again, may lie.</param>
    internal static IEnumerable<Reader> All(string folder)
    {
        string file = Path.Combine(folder, "again.safetensors");
        yield return new Reader(
            "safetensors",
            16,
            [.. Options().Select(options => Seed("model", Model(options, file)))],
            (_, path) => Read(() => ModelFile.Save(ModelFile.Load(path), file), () => ModelFile.Load(file)));
        yield return new Reader(
            "checkpoint",
            8,
            [.. Options().Select(options => Seed("checkpoint", Checkpoint(options, file)))],
            (_, path) => Read(() => Copy(Training.Checkpoint.Load(path), file), () => Training.Checkpoint.Load(file)));
    }

    /// <summary>The file of a small model.</summary>
    /// <param name="folder">Where it may lie.</param>
    /// <param name="channels">Channels of its images.</param>
    internal static byte[] Model(string folder, int channels = 1) =>
        Model(Small with { ImageChannels = channels }, Path.Combine(folder, "again.safetensors"));

    private static IEnumerable<LocalMixerOptions> Options() =>
    [
        Small,
        Small with { Projection = 2, TokenMixer = TokenMixer.DepthwiseConvolution },
        Small with { Downsample = [2, 1], ChannelRatio = [2, 1], GroupRatio = [2, 1] },
    ];

    private static SeedFile[] Seed(string name, byte[] content) =>
        [new SeedFile($"{name}.safetensors", content, SafetensorsMutation.Apply)];

    private static byte[] Model(LocalMixerOptions options, string file)
    {
        LocalMixer model = new(options);
        model.Initialize(1);
        ModelFile.Save(model, file);
        return File.ReadAllBytes(file);
    }

    private static byte[] Checkpoint(LocalMixerOptions options, string file)
    {
        LocalMixer model = new(options);
        model.Initialize(1);
        RunState state = RunState.Start(options.Blocks);
        state.Epochs.Add(new EpochMetrics(1, 0.1, [0.5, double.NaN], 1, 2, 3, 4, 5, TimeSpan.FromSeconds(6)));
        state.Step = 3;
        TrainingOptions training = new() { Epochs = 4, LearningRate = 0.1, AverageDecay = options.IsSelfSupervised ? 0.9 : 0, Seed = 1 };
        ParameterVector? average = training.AverageDecay > 0 ? new(model.Values.Layout) : null;
        ParameterVector? feedback = options.IsSelfSupervised ? null : new(LearnedFeedback.LayoutOf(model));
        new Checkpoint(model, new ParameterVector(model.Values.Layout), average, feedback, training, "images", state).Save(file);
        return File.ReadAllBytes(file);
    }

    private static void Copy(Checkpoint checkpoint, string file)
    {
        if (checkpoint.Epochs.Any(epoch => epoch?.BlockLosses is null))
        {
            throw new InconsistentException("an epoch without measurements");
        }

        checkpoint.Save(file);
    }

    // What was read is written, and what was written is read.
    private static string? Read(Action copy, Action readCopy)
    {
        try
        {
            copy();
        }
        catch (ModelFileException fault)
        {
            return fault.Message;
        }

        try
        {
            readCopy();
            return null;
        }
        catch (ModelFileException fault)
        {
            throw new InconsistentException($"written again, it is refused: {fault.Message}");
        }
    }
}
