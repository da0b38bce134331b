using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onward.Engine;
using Onward.Formats;
using Onward.Models;
using Onward.Threads;

namespace Onward.Training;

/// <summary>
/// Saves and loads a <see cref="StreamLearner"/> as one safetensors file: parameters and velocities, the images of the memory as numbers
/// from 0 to 255, and everything else as JSON in the metadata.
/// </summary>
internal static class StreamFile
{
    private const string Key = "onward.stream";
    private const string VelocityPrefix = "velocity.";
    private const int Version = 1;
    private const string Cure = "Replace it with an intact copy.";

    /// <summary>Builds the same network for another number of classes, with parameters of 0.</summary>
    /// <exception cref="NotSupportedException">The network has a layer that no file can describe.</exception>
    internal static Network WithClasses(Network network, int classes) => network.Mixer is LocalMixerOptions mixer
        ? LocalMixer.Build(mixer with { Classes = classes })
        : (NetworkDescription.Of(network) with { Classes = classes }).Build();

    /// <summary>Saves a learner.</summary>
    internal static void Save(StreamLearner learner, string path)
    {
        ParameterVector memory = MemoryVector(learner.Memory.Count, learner.Network.Input.Length);
        for (int place = 0; place < learner.Memory.Count; place++)
        {
            Span<float> image = memory.All.Slice(place * learner.Network.Input.Length, learner.Network.Input.Length);
            for (int i = 0; i < image.Length; i++)
            {
                image[i] = learner.Memory.Example(place)[i];
            }
        }

        SafetensorsWriter.Write(
            path,
            [("", learner.Network.Values), (VelocityPrefix, learner.Velocity), ("", memory)],
            new Dictionary<string, string>([ModelFile.Describe(learner.Network), new(Key, StateOf(learner).ToJsonString())]));
    }

    /// <summary>Loads a learner.</summary>
    internal static StreamLearner Load(string path, WorkerTeam team, Func<LearningRule>? rule)
    {
        using SafetensorsReader file = new(path);
        if (!file.Metadata.TryGetValue(Key, out string? text))
        {
            throw new ModelFileException(
                $"{path}: not the file of a stream learner: no {Key} in the metadata. Use a file that Save wrote.");
        }

        file.VerifyChecksum();
        try
        {
            JsonNode state = JsonNode.Parse(text)!;
            if ((int)state["version"]! != Version)
            {
                throw new ModelFileException($"{path}: of version {state["version"]}; this program reads version {Version}.");
            }

            int[] labels = [.. state["labels"]!.AsArray().Select(label => (int)label!)];
            Network network = ModelFile.Create(path, file, vectors: 2, file.LengthOf(MemoryName));
            int length = network.Input.Length;
            ParameterVector velocity = new(network.Values.Layout), memory = MemoryVector(labels.Length, length);
            file.Read([("", network.Values), (VelocityPrefix, velocity), ("", memory)]);
            StreamLearner learner = new(network, OptionsOf(state), team, rule);
            if (learner.Description != (string)state["rule"]!)
            {
                throw new ModelFileException(
                    $"{path}: its learning rule is {(string)state["rule"]!}; this learner's is {learner.Description}.");
            }

            string[] classes = [.. state["classes"]!.AsArray().Select(name => (string)name!)];
            for (int k = 0; k < classes.Length; k++)
            {
                learner.Memory.RestoreClass((long)state["seen"]![k]!, (bool)state["wasLargest"]![k]!);
            }

            byte[] image = new byte[length];
            for (int place = 0; place < labels.Length; place++)
            {
                for (int i = 0; i < length; i++)
                {
                    image[i] = (byte)memory.All[(place * length) + i];
                }

                learner.Memory.Restore(image, labels[place]);
            }

            learner.Restore(classes, velocity, (uint)state["steps"]!);
            return learner;
        }
        catch (Exception fault) when (
            fault is JsonException or NullReferenceException or InvalidOperationException or FormatException or ArgumentException
                or OverflowException or IndexOutOfRangeException)
        {
            throw new ModelFileException($"{path}: the state of the learner in the metadata is damaged. {Cure}", fault);
        }
    }

    private static JsonObject StateOf(StreamLearner learner) => new()
    {
        ["version"] = Version,
        ["rule"] = learner.Description,
        ["capacity"] = learner.Options.Capacity,
        ["batchSize"] = learner.Options.BatchSize,
        ["stepsOfCall"] = learner.Options.Steps,
        ["learningRate"] = learner.Options.LearningRate,
        ["momentum"] = learner.Options.Momentum,
        ["mean"] = learner.Options.Mean,
        ["standardDeviation"] = learner.Options.StandardDeviation,
        ["seed"] = learner.Options.Seed.ToString(CultureInfo.InvariantCulture),
        ["steps"] = learner.Number,
        ["classes"] = ArrayOf(learner.Classes, name => name),
        ["seen"] = ArrayOf(learner.Memory.Seen, count => count),
        ["wasLargest"] = ArrayOf(learner.Memory.WasLargest, largest => largest),
        ["labels"] = ArrayOf(learner.Memory.Labels.ToArray(), label => label),
    };

    private static JsonArray ArrayOf<T>(IEnumerable<T> items, Func<T, JsonNode> node) => new([.. items.Select(node)]);

    private static StreamOptions OptionsOf(JsonNode state) => new()
    {
        Capacity = (int)state["capacity"]!,
        BatchSize = (int)state["batchSize"]!,
        Steps = (int)state["stepsOfCall"]!,
        LearningRate = (double)state["learningRate"]!,
        Momentum = (double)state["momentum"]!,
        Mean = (float)state["mean"]!,
        StandardDeviation = (float)state["standardDeviation"]!,
        Seed = ulong.Parse((string)state["seed"]!, CultureInfo.InvariantCulture),
    };

    private const string MemoryName = "memory";

    private static ParameterVector MemoryVector(int count, int length)
    {
        ParameterLayout layout = new();
        layout.Add($"{MemoryName}.images", [count, length], isMatrix: false);
        return new ParameterVector(layout);
    }
}
