using Onward.Laboratory;
using Onward.Layers;

namespace Onward.Tests.Layers;

/// <summary>The contract of every affine layer; a subclass names the layer and its sizes.</summary>
public abstract class AffineLayerTests(AffineDefinition definition)
{
    private readonly AffineLayer _layer = definition.Layer;
    private readonly int _patches = definition.Patches;
    private readonly int _inputPatches = definition.Input.Positions;

    [Fact]
    public void Sizes_follow_from_the_definition()
    {
        Assert.Equal(definition.Terms.Max(term => term.Weight) + 1, AffineDefinition.Length(_layer.WeightShape));
        Assert.Equal(definition.Terms.Count, _patches * _layer.MultiplyAddsPerRow);
        Assert.Equal(definition.Terms.Count(term => term.Output == 0), _layer.FanIn);
    }

    [Fact]
    public void Apply_meets_the_definition()
    {
        const int Examples = 3;
        float[] x = Input(1, Examples), weight = Weight(2), z = Numbers.Filled((Examples + 1) * _patches * _layer.Outputs, -7);

        Apply(weight, x, z, Examples);

        int written = Examples * _patches * _layer.Outputs;
        Tolerance.Near(definition.Apply(weight, x, Examples), z.AsSpan(0, written), Tolerance.Kernel, "z");
        Tolerance.Same(Numbers.Filled(z.Length - written, -7), z.AsSpan(written), "rows beyond");
    }

    [Fact]
    public void Apply_adds_to_what_is_there_where_asked()
    {
        const int Examples = 2;
        float[] x = Input(13, Examples), weight = Weight(14), z = Output(15, Examples);
        double[] expected = [.. definition.Apply(weight, x, Examples).Zip(z, (product, before) => product + before)];

        Apply(weight, x, z, Examples, accumulate: true);

        Tolerance.Near(expected, z, Tolerance.Kernel, "z");
    }

    [Fact]
    public void ApplyTranspose_meets_the_definition()
    {
        const int Examples = 3;
        float[] gradient = Output(16, Examples), weight = Weight(17), result = Numbers.Filled(
            (Examples + 1) * _inputPatches * _layer.Inputs, -7);
        float[] packed = Numbers.Filled(_layer.PackedTransposeLength, float.NaN);
        for (int slice = _layer.TransposingSlices - 1; slice >= 0; slice--)
        {
            _layer.PackTranspose(slice, weight, packed);
        }

        _layer.ApplyTranspose(packed, gradient, result, Examples * _patches, Numbers.Filled(_layer.WorkspaceLength, float.NaN));

        int written = Examples * _inputPatches * _layer.Inputs;
        Tolerance.Near(
            definition.ApplyTranspose(weight, gradient, Examples), result.AsSpan(0, written), Tolerance.Kernel, "input gradient");
        Tolerance.Same(Numbers.Filled(result.Length - written, -7), result.AsSpan(written), "rows beyond");
    }

    [Fact]
    public void AddBias_adds_the_bias_of_each_row()
    {
        const int Examples = 3;
        float[] z = Output(3, Examples), bias = Numbers.Uniform(4, AffineDefinition.Length(_layer.BiasShape));
        int rows = Examples * _patches;
        float[] expected = [.. z.Select((v, i) => v + bias[definition.BiasOf(i / _layer.Outputs % _patches, i % _layer.Outputs)])];

        // In chunks that start anywhere in an example and run on into the next.
        for (int first = 0, count = 1; first < rows; first += count, count = Math.Min(count + 2, rows - first))
        {
            _layer.AddBias(bias, z.AsSpan(first * _layer.Outputs, count * _layer.Outputs), first % _patches);
        }

        Tolerance.Same(expected, z, "z");
    }

    [Fact]
    public void Gradients_meet_the_definition()
    {
        float[] x = Input(5, 6), gradient = Output(6, 6);

        (float[] weight, float[] bias) = Gradients(x, gradient, [6], [1, 3, 2], spare: 2);

        (double[] expectedWeight, double[] expectedBias) = definition.Gradients(x, gradient, 6);
        Tolerance.Near(expectedWeight, weight, Tolerance.Kernel, "weight");
        Tolerance.Near(expectedBias, bias, Tolerance.Kernel, "bias", Tolerance.Norm(gradient));
    }

    // Gradients are derivatives, add up from slices, and do not depend on how a batch is cut into waves and tiles.
    [Fact]
    public void The_layer_keeps_the_contract() => Assert.Empty(LayerContract.FaultsOf(_layer, definition.Input));

    private float[] Input(int seed, int examples) => Numbers.Uniform(seed, examples * _inputPatches * _layer.Inputs);

    private float[] Output(int seed, int examples) => Numbers.Uniform(seed, examples * _patches * _layer.Outputs);

    private float[] Weight(int seed) => Numbers.Uniform(seed, AffineDefinition.Length(_layer.WeightShape));

    private void Apply(float[] weight, float[] x, Span<float> z, int examples, bool accumulate = false)
    {
        // Slices in reverse, into memory that would spoil the result where they leave it.
        float[] packed = Numbers.Filled(_layer.PackedWeightLength, float.NaN);
        for (int slice = _layer.Slices - 1; slice >= 0; slice--)
        {
            _layer.PackWeight(slice, weight, packed);
        }

        _layer.Apply(packed, x, z, examples * _patches, Numbers.Filled(_layer.WorkspaceLength, float.NaN), accumulate);
    }

    // The batch in waves, each packed in tiles whose sizes take turns, with room for some more examples.
    private (float[] Weight, float[] Bias) Gradients(float[] x, float[] gradient, int[] waves, int[] tiles, int spare)
    {
        float[] weight = Numbers.Filled(AffineDefinition.Length(_layer.WeightShape), float.NaN);
        float[] bias = Numbers.Filled(AffineDefinition.Length(_layer.BiasShape), float.NaN);
        int capacity = (waves.Max() + spare) * _patches;
        float[] packed = Numbers.Filled(_layer.PackedGradientLength(capacity), float.NaN);
        int first = 0;
        foreach (int wave in waves)
        {
            for (int done = 0, tile = 0; done < wave; done += tiles[tile % tiles.Length], tile++)
            {
                int examples = Math.Min(tiles[tile % tiles.Length], wave - done);
                ReadOnlySpan<float> rows = gradient.AsSpan(
                    (first + done) * _patches * _layer.Outputs, examples * _patches * _layer.Outputs);
                _layer.PackGradient(rows, done * _patches, examples * _patches, packed, capacity);
            }

            ReadOnlySpan<float> input = x.AsSpan(first * _inputPatches * _layer.Inputs, wave * _inputPatches * _layer.Inputs);
            for (int slice = _layer.Slices - 1; slice >= 0; slice--)
            {
                _layer.AccumulateGradient(
                    slice,
                    new(input, packed, wave * _patches, capacity),
                    new(weight, bias, first > 0),
                    new float[_layer.GradientWorkspaceLength(capacity)]);
            }

            first += wave;
        }

        return (weight, bias);
    }
}
