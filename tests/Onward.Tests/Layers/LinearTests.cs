using Onward.Laboratory;
using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class LinearOfOneInputTests() : AffineLayerTests(AffineDefinition.Linear(1, 5, patches: 4));

public sealed class LinearOfEightToThreeTests() : AffineLayerTests(AffineDefinition.Linear(8, 3, patches: 4));

public sealed class LinearOfWholeTilesTests() : AffineLayerTests(AffineDefinition.Linear(64, 48, patches: 4));

public sealed class LinearOfUnevenTilesTests() : AffineLayerTests(AffineDefinition.Linear(147, 101, patches: 4));

public sealed class LinearOfWholeImagesTests() : AffineLayerTests(AffineDefinition.Linear(784, 32, patches: 1));

/// <summary>With a bias for each position, weights are treated as ever and biases by position.</summary>
public sealed class LinearOfPositionsTests
{
    private const int Examples = 3;

    public static TheoryData<int, int, int> Sizes => new() { { 5, 7, 4 }, { 70, 16, 6 }, { 147, 101, 1 }, { 96, 64, 9 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_layer_keeps_the_contract(int inputs, int outputs, int positions) =>
        Assert.Empty(LayerContract.FaultsOf(new Linear(inputs, outputs, positions), new(positions, 1, inputs)));

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Each_position_has_a_bias_of_its_own(int inputs, int outputs, int positions)
    {
        Linear layer = new(inputs, outputs, positions);
        int rows = Examples * positions;
        float[] x = Numbers.Uniform(1, rows * inputs), gradient = Numbers.Uniform(2, rows * outputs);
        float[] bias = Numbers.Uniform(3, positions * outputs), values = Numbers.Uniform(4, rows * outputs), shifted = [.. values];
        float[] packed = new float[layer.PackedGradientLength(rows)], weight = new float[inputs * outputs];
        float[] sums = Numbers.Uniform(5, positions * outputs), workspace = new float[layer.GradientWorkspaceLength(rows)];
        double[] expected = [.. sums.Select(sum => (double)sum)];
        for (int i = 0; i < gradient.Length; i++)
        {
            expected[i % expected.Length] += gradient[i];
        }

        layer.AddBias(bias, shifted, 0);
        layer.PackGradient(gradient, 0, rows, packed, rows);
        layer.AccumulateGradient(0, new(x, packed, rows, rows), new(weight, sums, accumulate: true), workspace);

        Assert.All(shifted.Index(), one => Assert.Equal(values[one.Index] + bias[one.Index % bias.Length], one.Item));
        Tolerance.Near(expected, sums, Tolerance.Kernel, "bias", Tolerance.Norm(gradient));
    }

    [Fact]
    public void Another_number_of_positions_is_refused() => Assert.Equal(
        "Linear(5, 7, 4) takes 4 positions of 5 channels; its input is 3 x 1 x 5.",
        Assert.Throws<ArgumentException>(() => new Linear(5, 7, 4).OutputOf(new(3, 1, 5))).Message);
}
