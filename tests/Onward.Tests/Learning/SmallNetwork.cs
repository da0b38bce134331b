using Onward.Kernels;
using Onward.Learning;
using Onward.Models;

namespace Onward.Tests.Learning;

/// <summary>A network small enough to try every direction, with all parameters drawn, and a batch for it.</summary>
public sealed class SmallNetwork
{
    public SmallNetwork(Normalizations normalizations = Normalizations.All, int groups = 2, TokenMixer tokenMixer = TokenMixer.Matrix)
    {
        Model = new LocalMixer(new LocalMixerOptions
        {
            Blocks = 2,
            PatchesPerSide = 2,
            Channels = 6,
            Groups = groups,
            ImageSide = 2,
            ImageChannels = 5,
            Classes = 3,
            Normalizations = normalizations,
            TokenMixer = tokenMixer,
        });
        CounterRandom.Normals(new RandomStream(7, RandomPurpose.Initialization), 0, Model.Values.All);
        foreach (ref float value in Model.Values.All)
        {
            value *= 0.5f;
        }

        CounterRandom.Normals(new RandomStream(8, RandomPurpose.Data), 0, Pixels);
    }

    public LocalMixer Model { get; }

    public float[] Pixels { get; } = new float[2 * 20];

    public int[] Labels { get; } = [2, 0];

    public IEnumerable<MixerLayer> Layers => Model.Blocks.SelectMany(block => block.Layers);

    /// <summary>The gradients of one step, copied.</summary>
    public float[] Gradients(LearningRule rule)
    {
        rule.Step(Pixels, Labels, 0);
        return rule.Gradients.All.ToArray();
    }

    /// <summary>Requires equal gradients of all weights and biases of the blocks' layers.</summary>
    public void RequireEqualTrunks(float[] expected, ReadOnlySpan<float> actual)
    {
        foreach (MixerLayer layer in Layers)
        {
            Parameter weight = layer.Weight, bias = layer.Bias;
            ReadOnlySpan<float> gradient = expected.AsSpan(weight.Offset, weight.Length);
            Assert.NotEqual(0, Tolerance.Norm(gradient));
            Tolerance.Near(gradient, actual.Slice(weight.Offset, weight.Length), Tolerance.Network, weight.Name);
            Tolerance.Near(expected.AsSpan(bias.Offset, bias.Length), actual.Slice(bias.Offset, bias.Length), Tolerance.Network, bias.Name, Tolerance.Norm(gradient));
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
