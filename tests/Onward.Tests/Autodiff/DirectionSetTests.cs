using System.Numerics.Tensors;
using Onward.Autodiff;
using Onward.Kernels;

namespace Onward.Tests.Autodiff;

public sealed class DirectionSetTests
{
    private static readonly RandomStream Stream = new(3, RandomPurpose.Perturbation, Step: 2);

    [Theory]
    [InlineData(1, 3)]
    [InlineData(4, 4)]
    [InlineData(7, 17)]
    [InlineData(200, 30)]
    public void Orthogonal_directions_have_length_root_d_and_right_angles_within_each_set(int dimension, int count)
    {
        double[] directions = new double[count * dimension];

        DirectionSet.Orthogonal.Draw<double>(Stream, directions, dimension);

        for (int i = 0; i < count; i++)
        {
            for (int j = i / dimension * dimension; j <= i; j++)
            {
                double product = TensorPrimitives.Dot<double>(directions.AsSpan(i * dimension, dimension), directions.AsSpan(j * dimension, dimension));
                Assert.Equal(i == j ? 1 : 0, product / dimension, Tolerance.Double);
            }
        }
    }

    [Fact]
    public void Each_direction_takes_its_own_pass_and_does_not_depend_on_the_rest()
    {
        foreach (DirectionSet set in new[] { DirectionSet.Gaussian, DirectionSet.Rademacher, DirectionSet.Orthogonal })
        {
            float[] two = new float[10], three = new float[15];
            set.Draw<float>(Stream, two, 5);
            set.Draw<float>(Stream, three, 5);
            Assert.Equal(two, three[..10]);
            Assert.NotEqual(three[..5], three[5..10]);
        }

        float[] drawn = new float[10], expected = new float[5];
        DirectionSet.Gaussian.Draw<float>(Stream, drawn, 5);
        CounterRandom.Normals(Stream with { Pass = 1 }, 0, expected);
        Assert.Equal(expected, drawn[5..]);
        DirectionSet.Rademacher.Draw<float>(Stream, drawn, 5);
        Assert.All(drawn, sign => Assert.Equal(1, MathF.Abs(sign)));
    }
}
