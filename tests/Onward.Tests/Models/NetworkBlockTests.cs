using Onward.Layers;
using Onward.Models;
using Onward.Tests.Layers;
using Onward.Threads;

namespace Onward.Tests.Models;

public sealed class NetworkBlockTests
{
    // 27 rows of 12 channels: chunks of rows end inside examples, and no width is a whole vector.
    private const int Examples = 3;

    private static readonly LocalMixerOptions Options = new()
    {
        Blocks = 2,
        PatchesPerSide = 3,
        Channels = 12,
        Groups = 3,
        ImageSide = 6,
        ImageChannels = 3,
        Classes = 4,
    };

    public static TheoryData<Normalizations> Combinations =>
        [.. Enumerable.Range(0, (int)Normalizations.All + 1).Select(flags => (Normalizations)flags)];

    [Theory]
    [MemberData(nameof(Combinations))]
    public void Forward_meets_the_definition(Normalizations normalizations) =>
        RequireForward(Options with { Normalizations = normalizations }, Examples);

    [Theory]
    [InlineData(1, 32, 2, 5)]
    [InlineData(2, 48, 6, 2)]
    [InlineData(4, 40, 5, 3)]
    public void Forward_meets_the_definition_at_other_sizes(int patchesPerSide, int channels, int groups, int examples) =>
        RequireForward(Options with { PatchesPerSide = patchesPerSide, Channels = channels, Groups = groups, ImageSide = 8 }, examples);

    [Theory]
    [InlineData(1, 3)]
    [InlineData(3, 3)]
    [InlineData(4, 5)]
    [InlineData(5, 1)]
    public void Forward_meets_the_definition_with_convolution(int patchesPerSide, int kernelSide) => RequireForward(
        Options with
        {
            PatchesPerSide = patchesPerSide,
            ImageSide = 10,
            TokenMixer = TokenMixer.DepthwiseConvolution,
            KernelSide = kernelSide,
        },
        Examples);

    private static void RequireForward(LocalMixerOptions options, int examples)
    {
        Network model = Model(options);
        NaiveMixer naive = new(model);
        int patches = options.Patches, channels = options.Channels, rows = examples * patches;
        BlockActivations tile = model.CreateActivations(examples);
        float[] x = Numbers.Uniform(2, examples * model.Input.Length);
        float[] cut = new float[rows * options.PatchVector];
        new ImagePatches(options.PatchesPerSide, model.Input).Apply(model.Input, x, cut);
        double[][] expected = [.. Numbers.Widen(cut).Chunk(patches * options.PatchVector)];
        foreach (NetworkBlock block in model.Blocks)
        {
            Memory<float>[] inputs = [.. block.Layers.Select(layer => Numbers.Filled(rows * layer.Map.Inputs, float.NaN))];
            float[] result = Numbers.Filled(rows * channels, float.NaN);
            inputs.CopyTo(tile.Inputs);
            (tile.Source, tile.Result) = (x, result);
            block.Forward(model.Values, tile, examples);

            List<double[]>[] layerInputs = [.. block.Layers.Select(_ => new List<double[]>())];
            for (int n = 0; n < examples; n++)
            {
                expected[n] = naive.Block(block.Index, expected[n]);
                for (int l = 0; l < layerInputs.Length; l++)
                {
                    layerInputs[l].Add(naive.LayerInputs[l]);
                }
            }

            for (int l = 0; l < layerInputs.Length; l++)
            {
                Require(layerInputs[l], inputs[l].Span, $"input of layer {l} of block {block.Index}");
            }

            Require(expected, result, $"output of block {block.Index}");
            Require(expected.Select(naive.HeadFeatures), tile.Pooled[..(examples * channels)], $"features of head {block.Index}");
            x = result;
        }

        float[] features = new float[examples * channels];
        model.PoolForReadout(x, features, new float[examples]);
        Require(expected.Select(naive.ReadoutFeatures), features, "features of the readout");
    }

    private static void Require(IEnumerable<double[]> expected, ReadOnlySpan<float> actual, string what)
    {
        double[] all = [.. expected.SelectMany(values => values)];
        Assert.Contains(all, value => value != 0);
        Tolerance.Near(all, actual, Tolerance.Network, what);
    }

    // Biases too, or half of the terms would be untested.
    private static Network Model(LocalMixerOptions options)
    {
        Network model = LocalMixer.Build(options);
        foreach (Parameter parameter in model.Values.Layout.Parameters)
        {
            Numbers.Uniform(parameter.Offset, parameter.Length).CopyTo(model.Values[parameter]);
        }

        using WorkerTeam team = new(1);
        model.Pack(team);
        return model;
    }
}
