using Onward.Laboratory;
using Onward.Layers;
using Onward.Models;

namespace Onward.Tests.Layers;

/// <summary>An embedding is the linear layer of one-hot rows, with a bias for each position.</summary>
public sealed class EmbeddingTests
{
    private const int Examples = 3;

    public static TheoryData<int, int, int> Sizes => new() { { 5, 7, 4 }, { 70, 16, 6 }, { 32, 1, 3 }, { 33, 9, 0 }, { 1, 4, 2 } };

    [Theory]
    [MemberData(nameof(Sizes))]
    public void The_layer_keeps_the_contract(int embeddings, int width, int positions) => Assert.Empty(
        LayerContract.FaultsOf(new Embedding(embeddings, width, positions), new(positions == 0 ? 4 : positions, 1, 1)));

    [Theory]
    [MemberData(nameof(Sizes))]
    public void Values_and_gradients_are_those_of_the_linear_layer_of_one_hot_rows(int embeddings, int width, int positions)
    {
        Embedding layer = new(embeddings, width, positions);
        int rows = Examples * (positions == 0 ? 4 : positions), ofBias = AffineDefinition.Length(layer.BiasShape);
        float[] weight = Numbers.Uniform(1, embeddings * width), bias = Numbers.Uniform(2, ofBias);
        float[] gradient = Numbers.Uniform(3, rows * width);
        float[] indices = [.. Enumerable.Range(0, rows).Select(row => (float)(row * row * 7 % embeddings))];
        float[] hot = new float[rows * embeddings];
        for (int row = 0; row < rows; row++)
        {
            hot[(row * embeddings) + (int)indices[row]] = 1;
        }

        AffineDefinition linear = AffineDefinition.Linear(embeddings, width, rows);
        (double[] ofWeight, _) = linear.Gradients(hot, gradient, 1);

        float[] values = Numbers.Uniform(4, rows * width), before = [.. values], sums = Numbers.Filled(weight.Length, float.NaN);
        float[] biases = Numbers.Filled(ofBias, float.NaN);
        layer.Apply(weight, indices, values, rows, [], accumulate: true);
        for (int slice = layer.Slices - 1; slice >= 0; slice--)
        {
            layer.AccumulateGradient(slice, new(indices, gradient, rows, rows), new(sums, biases, accumulate: false), []);
        }

        Tolerance.Near([.. linear.Apply(weight, hot, 1).Zip(before, (sum, value) => sum + value)], values, Tolerance.Kernel, "values");
        Tolerance.Near(ofWeight, sums, Tolerance.Kernel, "weight", Tolerance.Norm(gradient));
        float[] shifted = [.. values];
        layer.AddBias(bias, shifted, 0);
        double[] ofPositions = new double[ofBias];
        for (int i = 0; i < shifted.Length; i++)
        {
            Assert.Equal(values[i] + bias[i % ofBias], shifted[i]);
            ofPositions[i % ofBias] += gradient[i];
        }

        Tolerance.Near(ofPositions, biases, Tolerance.Kernel, "bias", Tolerance.Norm(gradient));
    }

    [Theory]
    [InlineData(5)]
    [InlineData(-1)]
    [InlineData(0.5f)]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_number_that_is_no_index_is_refused(float number) => Assert.Equal(
        $"Embedding(5, 2) takes whole numbers from 0 to 4; got {number}.",
        Assert.Throws<ArgumentException>(() => new Embedding(5, 2).Apply(new float[10], [number], new float[2], 1, [])).Message);

    [Fact]
    public void An_embedding_stands_first_in_a_network()
    {
        const string Fault = "Embedding(5, 1) reads indices, which have no derivative, so it can only be the first layer of a network.";
        Embedding layer = new(5, 1);
        Assert.Equal($"Block 1: {Fault}", FaultOf(new Block(layer), new Block(layer)));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Block(new Linear(1, 1), layer)));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Block(new Relu(), layer)));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Block(new Residual(layer))));
        Assert.Equal($"Block 0: {Fault}", FaultOf(new Block(layer, layer)));
        Assert.True(new Network(new(4, 1, 1), [new(new Embedding(5, 2, 4))], 2).TakesIndices);
        Assert.Equal(
            "Block 0: Embedding(5, 2, 3) takes 3 positions of 1 channel, which holds an index; its input is 4 x 1 x 1.",
            FaultOf(new Block(new Embedding(5, 2, 3))));

        static string FaultOf(params Block[] blocks) =>
            Assert.Throws<ArgumentException>(() => new Network(new(4, 1, 1), blocks, 2)).Message.Split(" (Parameter")[0];
    }

    [Fact]
    public void Sizes_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Embedding(0, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Embedding(2, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Embedding(2, 2, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Embedding((1 << 24) + 1, 2));
    }
}
