using Onward.Engine;
using Onward.Kernels;
using Onward.Layers;
using Onward.Models;
using Onward.Threads;

namespace Onward.Tests.Rules;

/// <summary>A network small enough to try every direction, with all parameters drawn, and a batch for it.</summary>
public sealed class SmallNetwork
{
    /// <summary>Images in the batch, each in two views where the network projects.</summary>
    public const int Images = 2;

    public SmallNetwork(
        Normalizations normalizations = Normalizations.All,
        int groups = 2,
        int projection = 0,
        TokenMixer tokenMixer = TokenMixer.Matrix,
        int blocks = 2,
        PatchPooling? scaled = null)
    {
        int examples = projection > 0 ? 2 * Images : Images;
        int side = scaled is null ? 2 : 3;
        Pixels = new float[examples * side * side * 5];
        Labels = [.. Enumerable.Range(0, examples).Select(n => (n + 2) % 3)];
        Model = LocalMixer.Build(new LocalMixerOptions
        {
            Blocks = blocks,
            PatchesPerSide = side,
            Channels = 6,
            Groups = groups,
            ImageSide = side,
            ImageChannels = 5,
            Classes = 3,
            Projection = projection,
            Epsilon = LocalMixerOptions.PaperEpsilon, // the draws of these tests were chosen so that no unit crosses 0 within a finite step
            Normalizations = normalizations,
            TokenMixer = tokenMixer,
            Downsample = scaled is null ? [] : [2, .. Enumerable.Repeat(1, blocks - 1)],
            ChannelRatio = scaled is null ? [] : [.. Enumerable.Repeat(1, blocks - 2), 2, 1],
            GroupRatio = scaled is null ? [] : [.. Enumerable.Repeat(1, blocks - 2), 2, 1],
            Pooling = scaled ?? PatchPooling.Average,
        });
        CounterRandom.Normals(new RandomStream(7, RandomPurpose.Initialization), 0, Model.Values.All);
        foreach (ref float value in Model.Values.All)
        {
            value *= 0.5f;
        }

        CounterRandom.Normals(new RandomStream(8, RandomPurpose.Data), 0, Pixels);
    }

    public Network Model { get; }

    public float[] Pixels { get; }

    public int[] Labels { get; }

    public IEnumerable<NetworkLayer> Layers => Model.Blocks.SelectMany(block => block.Layers);

    /// <summary>Every number of noise on activities: the places where <see cref="OneHot"/> is 1.</summary>
    public IEnumerable<(int Layer, int Example, int Element)> Activities =>
        from block in Model.Blocks
        from layer in block.Layers
        from example in Enumerable.Range(0, Images)
        from element in Enumerable.Range(0, block.Patches * layer.Map.Outputs)
        select (layer.Index, example, element);

    /// <summary>The gradients of one step of a rule, copied.</summary>
    public float[] Gradients(LearningRule rule, int threads = 1)
    {
        using WorkerTeam team = new(threads);
        return Gradients(new TrainingStep(Model, rule, team));
    }

    /// <summary>The gradients of one step, copied.</summary>
    public float[] Gradients(TrainingStep training, uint step = 0)
    {
        training.Run(Pixels, Labels, step);
        return training.Gradients.All.ToArray();
    }

    /// <summary>Requires equal gradients of all weights and biases of the blocks' layers.</summary>
    public void RequireEqualTrunks(float[] expected, ReadOnlySpan<float> actual)
    {
        foreach (NetworkLayer layer in Layers)
        {
            Parameter weight = layer.Weight, bias = layer.Bias;
            ReadOnlySpan<float> gradient = expected.AsSpan(weight.Offset, weight.Length);
            Assert.NotEqual(0, Tolerance.Norm(gradient));
            Tolerance.Near(gradient, actual.Slice(weight.Offset, weight.Length), Tolerance.Network, weight.Name);
            Tolerance.Near(
                expected.AsSpan(bias.Offset, bias.Length),
                actual.Slice(bias.Offset, bias.Length),
                Tolerance.Network,
                bias.Name,
                Tolerance.Norm(gradient));
        }
    }

    /// <summary>A direction that is 1 at one element of one stream and 0 elsewhere.</summary>
    public sealed class OneHot : NoiseDistribution
    {
        public (int Layer, int Example, int Element) At { get; set; }

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            noise.Clear();
            int element = At.Element - firstElement;
            if (stream.Layer == At.Layer && stream.Example == At.Example && element >= 0 && element < noise.Length)
            {
                noise[element] = 1;
            }
        }
    }
}
