using System.Text;
using Onward.Formats;
using Onward.Models;
using Onward.Rules;
using Onward.Training;

namespace Onward.Fuzz;

/// <summary>The readers of networks: safetensors files of models and of checkpoints, and JSON files that describe one.</summary>
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

    // Larger networks and images take memory and time, and no other code.
    private const long MostNumbers = 100_000;

    private const string Described = """
        {
          "input": { "height": 4, "width": 4, "channels": 1 }, "classes": 3, "settings": { "zeroHeads": false, "initializer": "lecun" },
          "blocks": [
            { "layers": [ { "type": "conv2d", "inChannels": 1, "outChannels": 4, "kernelSize": 3, "padding": 1 }, { "type": "relu" },
              { "type": "maxPool2d", "kernelSize": 2, "stride": 2 } ], "groups": 2 },
            { "layers": [ { "type": "residual", "layers": [ { "type": "layerNorm", "size": 4, "epsilon": 0.1 },
              { "type": "linear", "inputs": 4, "outputs": 12, "name": "qkv" }, { "type": "attention", "heads": 2 } ] } ],
              "featureNorm": { "size": 4 } }
          ]
        }
        """;

    /// <summary>Creates the readers.</summary>
    /// <param name="folder">Folder for seed files and for files that are written again.</param>
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
        yield return new Reader(
            "network",
            8,
            [[new SeedFile("network.json", Encoding.UTF8.GetBytes(Described), TokenMutation.Apply)]],
            (_, path) => Build(path));
    }

    /// <summary>The content of a small model file.</summary>
    /// <param name="folder">Folder for a temporary file.</param>
    /// <param name="channels">Number of image channels.</param>
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
        Network model = LocalMixer.Build(options);
        model.Initialize(1);
        ModelFile.Save(model, file);
        return File.ReadAllBytes(file);
    }

    private static byte[] Checkpoint(LocalMixerOptions options, string file)
    {
        Network model = LocalMixer.Build(options);
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

    private static string? Build(string path)
    {
        try
        {
            NetworkFile file = NetworkFile.Read(path);
            NetworkDescription network = new(file.Input ?? new(4, 4, 1), file.Blocks, file.Classes ?? 3, file.Settings);
            if (network.CountParameters() <= MostNumbers && network.Input.Length <= MostNumbers)
            {
                file.Build(network.Input, network.Classes);
            }

            return null;
        }
        catch (ModelFileException fault)
        {
            return fault.Message;
        }
        catch (Exception fault) when (fault is ArgumentException or OverflowException)
        {
            // The command names the file before the reason, and escapes names that a user chose.
            return $"{path}: {Printable.Escape(fault.Message)}";
        }
    }

    // A file that was read is written again, and the copy must be readable.
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
