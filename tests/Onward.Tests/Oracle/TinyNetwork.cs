using Onward.Kernels;
using Onward.Layers;
using Onward.Losses;
using Onward.Models;

namespace Onward.Tests.Oracle;

/// <summary>A network small enough for the oracle, with every parameter drawn, and one batch for it.</summary>
public sealed class TinyNetwork
{
    private const ulong Seed = 20_230_501;

    // Groups of two keep no direction but the epsilon's under normalisation, so they go without it.
    private static readonly Dictionary<string, LocalMixerOptions> Named = new()
    {
        ["all normalisations"] = Options(blocks: 3, patchesPerSide: 2, groups: 2, channelsPerGroup: 4),
        ["no normalisation"] = Options(blocks: 3, patchesPerSide: 2, groups: 3, channelsPerGroup: 2, Normalizations.None),
        ["post-linear only"] = Options(blocks: 2, patchesPerSide: 2, groups: 2, channelsPerGroup: 3, Normalizations.PostLinear),
        ["all but begin"] = Options(
            blocks: 2, patchesPerSide: 2, groups: 2, channelsPerGroup: 4, Normalizations.All & ~Normalizations.Begin),
        ["all but post-linear"] = Options(
            blocks: 2, patchesPerSide: 2, groups: 2, channelsPerGroup: 4, Normalizations.All & ~Normalizations.PostLinear),
        ["all but middle"] = Options(
            blocks: 2, patchesPerSide: 2, groups: 2, channelsPerGroup: 4, Normalizations.All & ~Normalizations.Middle),
        ["all but inter"] = Options(
            blocks: 2, patchesPerSide: 2, groups: 3, channelsPerGroup: 3, Normalizations.All & ~Normalizations.Inter),
        ["all but last"] = Options(blocks: 2, patchesPerSide: 2, groups: 2, channelsPerGroup: 4, Normalizations.All & ~Normalizations.Last),
        ["one patch"] = Options(blocks: 1, patchesPerSide: 1, groups: 3, channelsPerGroup: 4),
        ["one group"] = Options(blocks: 2, patchesPerSide: 2, groups: 1, channelsPerGroup: 4),
        ["self-supervised"] = Options(
            blocks: 2,
            patchesPerSide: 2,
            groups: 2,
            channelsPerGroup: 4,
            Normalizations.All & ~Normalizations.Inter) with
        { Projection = 3 },
        ["convolution"] = Options(
            blocks: 2, patchesPerSide: 3, groups: 2, channelsPerGroup: 3) with
        { TokenMixer = TokenMixer.DepthwiseConvolution },
        ["wide convolution"] = Options(
            blocks: 3,
            patchesPerSide: 2,
            groups: 3,
            channelsPerGroup: 2,
            Normalizations.None) with
        { TokenMixer = TokenMixer.DepthwiseConvolution, KernelSide = 5 },
        ["narrowing"] = Options(blocks: 3, patchesPerSide: 4, groups: 2, channelsPerGroup: 3) with { Downsample = [1, 2, 1] },
        ["narrowing to the largest"] = Options(
            blocks: 2, patchesPerSide: 3, groups: 2, channelsPerGroup: 4) with
        { Downsample = [2, 1], Pooling = PatchPooling.Maximum },
        ["widening"] = Options(
            blocks: 3, patchesPerSide: 2, groups: 2, channelsPerGroup: 3) with
        { ChannelRatio = [2, 1, 1], GroupRatio = [1, 2, 1] },
        ["scaled convolution"] = Options(
            blocks: 2,
            patchesPerSide: 4,
            groups: 1,
            channelsPerGroup: 4) with
        { Downsample = [3, 1], ChannelRatio = [3, 1], GroupRatio = [3, 1], TokenMixer = TokenMixer.DepthwiseConvolution },
        [FlatPatches] = Options(blocks: 2, patchesPerSide: 2, groups: 2, channelsPerGroup: 4),
        ["padded image"] = Options(blocks: 2, patchesPerSide: 3, groups: 2, channelsPerGroup: 3),
    };

    private const string FlatPatches = "flat patches";

    private readonly int _images;

    private TinyNetwork(LocalMixerOptions options, int images, TrainingLoss? loss = null)
    {
        Model = LocalMixer.Build(options);
        Loss = loss ?? new TrainingLoss();
        _images = images;
        int examples = options.IsSelfSupervised ? 2 * images : images;
        uint drawn = 0;
        foreach (Parameter parameter in Model.Values.Layout.Parameters)
        {
            Normals(parameter.Length, drawn++).CopyTo(Model.Values[parameter]);
        }

        int image = options.ImageSide * options.ImageSide * options.ImageChannels;
        FlatPixels = Normals(examples * image, drawn);
        Pixels = [.. FlatPixels.Chunk(image).Select(pixels => pixels.Select(pixel => (double)pixel).ToArray())];
        Labels = [.. Enumerable.Range(0, examples).Select(n => (n + 1) % options.Classes)];
    }

    /// <summary>The networks, by name.</summary>
    public static string[] Names => [.. Named.Keys];

    /// <summary>A network of two blocks, of the size that a test names, on images of two by two pixels a patch.</summary>
    internal static LocalMixerOptions TwoBlocks(int patchesPerSide, int channels, int groups) => new()
    {
        Blocks = 2,
        PatchesPerSide = patchesPerSide,
        Channels = channels,
        Groups = groups,
        ImageSide = 2 * patchesPerSide,
        ImageChannels = 1,
        Classes = 4,
    };

    public Network Model { get; }

    public TrainingLoss Loss { get; }

    /// <summary>The images as Onward takes them.</summary>
    public float[] FlatPixels { get; }

    /// <summary>The images [n][row, column, channel].</summary>
    public double[][] Pixels { get; }

    public int[] Labels { get; }

    /// <summary>A network of the table with a batch of images, each in two views where it learns without labels.</summary>
    public static TinyNetwork Create(string name, int images = 3)
    {
        TinyNetwork network = new(Named[name], images, new TrainingLoss { Temperature = 0.4 });
        if (name == FlatPatches)
        {
            network.Flatten();
        }

        return network;
    }

    public static TinyNetwork Create(LocalMixerOptions options, int examples) => new(options, examples);

    /// <summary>The noise that a step draws in one pass [layer][n][p][D].</summary>
    public double[][][][] Noise(NoiseDistribution perturbation, ulong seed, uint step, uint pass)
    {
        return
        [
            .. Model.Blocks.SelectMany(
                block => block.Layers.Select(layer => Labels.Select((_, n) => Draw(block.Patches, layer, n)).ToArray())),
        ];

        double[][] Draw(int patches, NetworkLayer layer, int n)
        {
            float[] drawn = new float[patches * layer.Map.Outputs];
            perturbation.Draw(
                new RandomStream(seed, RandomPurpose.Perturbation, step, pass, (uint)layer.Index, (uint)(n % _images)), 0, drawn);
            return [.. drawn.Select(value => (double)value).Chunk(layer.Map.Outputs)];
        }
    }

    // Images with a border: the upper half is constant, or nearly so in the last image, and biases are near 0, as they are when training
    // begins.
    private void Flatten()
    {
        int image = Pixels[0].Length;
        for (int n = 0; n < Pixels.Length; n++)
        {
            for (int i = 0; i < image / 2; i++)
            {
                float value = n == Pixels.Length - 1 ? 0.5f + (0.01f * FlatPixels[(n * image) + i]) : 0.5f;
                (FlatPixels[(n * image) + i], Pixels[n][i]) = (value, value);
            }
        }

        foreach (Parameter bias in Model.Blocks.SelectMany(block => block.Layers.Select(layer => layer.Bias)))
        {
            foreach (ref float value in Model.Values[bias])
            {
                value *= 0.01f;
            }
        }
    }

    private static LocalMixerOptions Options(
        int blocks, int patchesPerSide, int groups, int channelsPerGroup, Normalizations normalizations = Normalizations.All) => new()
        {
            Blocks = blocks,
            PatchesPerSide = patchesPerSide,
            Channels = groups * channelsPerGroup,
            Groups = groups,
            ImageSide = 4,
            ImageChannels = 2,
            Classes = 3,
            Normalizations = normalizations,
        };

    private static float[] Normals(int length, uint layer)
    {
        float[] values = new float[length];
        CounterRandom.Normals(new RandomStream(Seed, RandomPurpose.Data, Layer: layer), 0, values);
        return [.. values.Select(value => value / 2)];
    }
}
