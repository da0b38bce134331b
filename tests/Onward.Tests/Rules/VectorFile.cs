using System.Text.Json;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;

namespace Onward.Tests.Rules;

/// <summary>Expected values that an independent program computed in float64, and the model they are for.</summary>
public sealed class VectorFile
{
    private readonly JsonElement _root;

    private VectorFile(JsonElement root)
    {
        _root = root;
        JsonElement sizes = root.GetProperty("sizes");
        int Size(string name) => sizes.GetProperty(name).GetInt32();
        Model = LocalMixer.Build(new LocalMixerOptions
        {
            Blocks = Size("blocks"),
            PatchesPerSide = Size("patchesPerSide"),
            Channels = Size("channels"),
            Groups = Size("groups"),
            ImageSide = Size("patchesPerSide"),
            ImageChannels = Size("patchVector"),
            Classes = IsContrastive ? 2 : Size("classes"),
            Projection = IsContrastive ? Size("projection") : 0,
            Epsilon = LocalMixerOptions.PaperEpsilon,
            Normalizations = IsContrastive ? Normalizations.All & ~Normalizations.Inter : Normalizations.All,
        });
        Examples = Size("examples");
        foreach (NetworkBlock block in Model.Blocks)
        {
            for (int l = 0; l < block.Layers.Count; l++)
            {
                JsonElement layer = root.GetProperty("layers")[block.Index][l];
                Data(layer.GetProperty("weight")).CopyTo(Model.Values[block.Layers[l].Weight]);
                Data(layer.GetProperty("bias")).CopyTo(Model.Values[block.Layers[l].Bias]);
            }

            SetHead(block.Head, root.GetProperty(IsContrastive ? "projectors" : "heads")[block.Index]);
        }

        if (IsContrastive)
        {
            Loss = new TrainingLoss { Temperature = root.GetProperty("temperature").GetDouble() };
            Input = [.. root.GetProperty("views").EnumerateArray().SelectMany(Data)];
            Labels = new int[2 * Examples];
        }
        else
        {
            SetHead(Model.Readout, root.GetProperty("readout"));
            Input = Data(root.GetProperty("input"));
            Labels = [.. root.GetProperty("labels").EnumerateArray().Select(label => label.GetInt32())];
        }

        Noise = new FixedNoise(
            [.. root.GetProperty("noise").EnumerateArray().SelectMany(block => block.EnumerateArray()).Select(Data)], Examples);
    }

    public Network Model { get; }

    public TrainingLoss Loss { get; } = new();

    private bool IsContrastive => _root.TryGetProperty("projectors", out _);

    public int Examples { get; }

    public float[] Input { get; }

    public int[] Labels { get; }

    public NoiseDistribution Noise { get; }

    /// <summary>
    /// Every file of a kind, localmixer-*.json or contrastive-*.json, in ONWARD_VECTORS, by default shared/vectors beside the repository.
    /// </summary>
    public static IEnumerable<string> Paths(string kind = "localmixer")
    {
        string? directory = Environment.GetEnvironmentVariable("ONWARD_VECTORS");
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); directory is null && at is not null; at = at.Parent)
        {
            string candidate = Path.Combine(at.FullName, "shared", "vectors");
            directory = Directory.Exists(candidate) ? candidate : null;
        }

        return directory is null ? [] : Directory.EnumerateFiles(directory, $"{kind}-*.json").Order();
    }

    public static VectorFile Read(string path) => new(JsonDocument.Parse(File.ReadAllBytes(path)).RootElement);

    public float[] Expected(params ReadOnlySpan<object> path)
    {
        JsonElement at = _root;
        foreach (object key in path)
        {
            at = key is int index ? at[index] : at.GetProperty((string)key);
        }

        return at.ValueKind == JsonValueKind.Number
            ? [(float)at.GetDouble()]
            : at.ValueKind == JsonValueKind.Array ? [.. at.EnumerateArray().Select(v => (float)v.GetDouble())]
            : Data(at);
    }

    private void SetHead(LinearHead head, JsonElement values)
    {
        Data(values.GetProperty("weight")).CopyTo(Model.Values[head.Weight]);
        Data(values.GetProperty("bias")).CopyTo(Model.Values[head.Bias]);
    }

    private static float[] Data(JsonElement tensor) => [.. tensor.GetProperty("data").EnumerateArray().Select(v => (float)v.GetDouble())];

    private sealed class FixedNoise(float[][] layers, int examples) : NoiseDistribution
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            float[] layer = layers[stream.Layer];
            layer.AsSpan(((int)stream.Example * (layer.Length / examples)) + firstElement, noise.Length).CopyTo(noise);
        }
    }
}
