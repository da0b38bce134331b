using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class NoiseDistributionTests
{
    [Fact]
    public void Orthogonal_numbers_with_different_columns_are_orthogonal_over_the_passes()
    {
        const int passes = 8;
        NoiseDistribution noise = NoiseDistribution.Orthogonal.ForPasses(passes);
        float[][] drawn = [.. Enumerable.Range(0, passes).Select(pass => Draw(noise, pass, 0, 0, 16))];

        for (int i = 0; i < 16; i++)
        {
            for (int j = 0; j < 16; j++)
            {
                float product = drawn.Sum(direction => direction[i] * direction[j]);
                Assert.Equal(i % passes == j % passes ? passes : 0, Math.Abs(product));
            }
        }
    }

    // The columns follow the first of the layer: numbers of two layers are orthogonal where their columns differ.
    [Fact]
    public void Orthogonal_layers_begin_at_columns_of_their_own()
    {
        NoiseDistribution noise = NoiseDistribution.Orthogonal.ForPasses(4, 2, 0);

        float Product(int i) => Enumerable.Range(0, 4).Sum(pass => Draw(noise, pass, 0, 0, 1)[0] * Draw(noise, pass, 1, i, 1)[0]);

        Assert.Equal([0, 0, 4, 0], Enumerable.Range(0, 4).Select(i => Math.Abs(Product(i))));
    }

    [Fact]
    public void Orthogonal_noise_is_signs_and_does_not_depend_on_where_a_draw_starts()
    {
        NoiseDistribution noise = NoiseDistribution.Orthogonal.ForPasses(4);
        float[] whole = Draw(noise, 3, 1, 0, 10_000);

        Assert.All(whole, value => Assert.Equal(1, Math.Abs(value)));
        Assert.Equal(whole[37..], Draw(noise, 3, 1, 37, 10_000 - 37));
        Assert.InRange(Math.Abs(TensorPrimitives.Sum<float>(whole)), 0, Tolerance.StandardErrors * Math.Sqrt(whole.Length));
    }

    [Fact]
    public void Orthogonal_noise_comes_in_sets_of_a_power_of_two()
    {
        ArgumentException passes = Assert.Throws<ArgumentException>(() => NoiseDistribution.Orthogonal.ForPasses(6));

        Assert.StartsWith("Orthogonal directions come in sets of a power of two; got 6 passes.", passes.Message);
        Assert.Throws<InvalidOperationException>(() => Draw(NoiseDistribution.Orthogonal, pass: 1, 0, 0, 4));
    }

    private static float[] Draw(NoiseDistribution noise, int pass, int layer, int first, int count)
    {
        float[] drawn = new float[count];
        noise.Draw(new RandomStream(1, RandomPurpose.Perturbation, 2, (uint)pass, (uint)layer, 5), first, drawn);
        return drawn;
    }
}
