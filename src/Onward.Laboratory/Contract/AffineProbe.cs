using Onward.Layers;

namespace Onward.Laboratory;

/// <summary>Probes an affine layer with a drawn weight and bias.</summary>
internal sealed class AffineProbe : LayerProbe
{
    private readonly AffineLayer _layer;
    private readonly float[] _bias;
    private readonly float[] _packed;
    private readonly float[] _transpose;
    private readonly float[] _weightDirection;
    private readonly float[] _biasDirection;

    internal AffineProbe(AffineLayer layer, ExampleShape input, ulong seed)
        : base(input, layer.OutputOf(input))
    {
        _layer = layer;
        int weights = LengthOf(layer.WeightShape), biases = LengthOf(layer.BiasShape);
        float[] weight = LayerContract.Draw(seed, 3, weights);
        _bias = LayerContract.Draw(seed, 4, biases);
        _packed = Pack(weight);
        _transpose = new float[layer.PackedTransposeLength];
        for (int slice = layer.TransposingSlices - 1; slice >= 0; slice--)
        {
            layer.PackTranspose(slice, weight, _transpose);
        }

        (_weightDirection, _biasDirection) = (LayerContract.Draw(seed, 5, weights), LayerContract.Draw(seed, 6, biases));
    }

    internal override void Apply(float[] x, Span<float> y, Cut cut)
    {
        Multiply(_packed, x, y, cut);
        int examples = cut.Units == 0 ? x.Length / Input.Length : cut.Units;
        for (int row = 0, rows = 1; row < y.Length / Output.Channels; row += rows)
        {
            rows = Math.Min(examples, (y.Length / Output.Channels) - row);
            Span<float> part = y.Slice(row * Output.Channels, rows * Output.Channels);
            long before = Before;
            _layer.AddBias(_bias, part, row % Output.Positions);
            CountFrom(before);
        }
    }

    /// <inheritdoc/>
    internal override int Indices => _layer.TakesIndices ? _layer.WeightShape[0] : 0;

    // An index has no tangent.
    internal override void ApplyTangent(float[] x, float[] tangent, Span<float> result, Cut cut)
    {
        if (_layer.TakesIndices)
        {
            result.Clear();
            return;
        }

        Multiply(_packed, tangent, result, cut);
    }

    internal override void ApplyTranspose(float[] x, float[] gradient, Span<float> result, Cut cut)
    {
        int all = gradient.Length / Output.Length, count = cut.Units == 0 ? all : cut.Units;
        for (int first = 0, examples; first < all; first += examples)
        {
            examples = Math.Min(count, all - first);
            Span<float> back = Room(examples * Input.Length, cut), workspace = Room(_layer.WorkspaceLength, cut);
            ReadOnlySpan<float> from = Copy(gradient.AsSpan(first * Output.Length, examples * Output.Length), cut);
            long before = Before;
            _layer.ApplyTranspose(_transpose, from, back, examples * Output.Positions, workspace);
            CountFrom(before);
            back.CopyTo(result[(first * Input.Length)..]);
        }
    }

    /// <summary>
    /// Compares the gradients of weight and bias with the derivatives along a direction, and the gradients of divided batches.
    /// </summary>
    internal IEnumerable<string> FaultsOfGradient(float[] x, float[] gradient)
    {
        int examples = x.Length / Input.Length;
        (float[] weight, float[] bias) = Gradients(x, gradient, [examples], [examples], spare: 0);
        float[] moved = new float[gradient.Length], shifted = new float[gradient.Length];
        Multiply(Pack(_weightDirection), x, moved, Cut.Whole);
        _layer.AddBias(_biasDirection, shifted, 0);
        foreach ((string what, float[] of, float[] direction, float[] tangent) in new[]
        {
            ("weight", weight, _weightDirection, moved), ("bias", bias, _biasDirection, shifted),
        })
        {
            double forward = LayerContract.Inner(gradient, tangent), backward = LayerContract.Inner(of, direction);
            if (!(Math.Abs(forward - backward) <= 1e-4 * LayerContract.Norm(gradient) * LayerContract.Norm(tangent)))
            {
                yield return $"gradient of the {what}: along a direction the outputs change by {forward:G6}, but it says {backward:G6}.";
            }
        }

        foreach ((int[] waves, int[] tiles, int spare) in new[] { (new[] { 1, 2 }, new[] { 1 }, 1), ([2, 1], [2], 0), ([1, 1, 1], [1], 2) })
        {
            (float[] cutWeight, float[] cutBias) = Gradients(x, gradient, waves, tiles, spare);
            if (LayerContract.FirstDifference(weight, cutWeight) >= 0 || LayerContract.FirstDifference(bias, cutBias) >= 0)
            {
                yield return $"gradient: its bits differ if {examples} examples come in waves of {string.Join(", ", waves)}.";
            }
        }

        foreach (string fault in FaultsOfSlices(x, gradient))
        {
            yield return fault;
        }
    }

    private static int LengthOf(IReadOnlyList<int> shape) => shape.Aggregate(1, (product, size) => product * size);

    private static float[] Spoilt(int length)
    {
        float[] numbers = new float[length];
        Array.Fill(numbers, float.NaN);
        return numbers;
    }

    private float[] Pack(float[] weight)
    {
        float[] packed = Spoilt(_layer.PackedWeightLength);
        for (int slice = _layer.Slices - 1; slice >= 0; slice--)
        {
            _layer.PackWeight(slice, weight, packed);
        }

        return packed;
    }

    private void Multiply(float[] packed, float[] x, Span<float> y, Cut cut)
    {
        int all = x.Length / Input.Length, count = cut.Units == 0 ? all : cut.Units;
        for (int first = 0, examples; first < all; first += examples)
        {
            examples = Math.Min(count, all - first);
            Span<float> output = Room(examples * Output.Length, cut), workspace = Room(_layer.WorkspaceLength, cut);
            ReadOnlySpan<float> from = Copy(x.AsSpan(first * Input.Length, examples * Input.Length), cut);
            long before = Before;
            _layer.Apply(packed, from, output, examples * Output.Positions, workspace);
            CountFrom(before);
            output.CopyTo(y[(first * Output.Length)..]);
        }
    }

    // The batch in waves, each packed in tiles whose sizes take turns, with room for some more examples.
    private (float[] Weight, float[] Bias) Gradients(float[] x, float[] gradient, int[] waves, int[] tiles, int spare)
    {
        float[] weight = Spoilt(LengthOf(_layer.WeightShape)), bias = Spoilt(LengthOf(_layer.BiasShape));
        int positions = Output.Positions, capacity = (waves.Max() + spare) * positions, first = 0;
        float[] packed = Spoilt(_layer.PackedGradientLength(capacity));
        foreach (int wave in waves)
        {
            for (int done = 0, tile = 0; done < wave; tile++)
            {
                int examples = Math.Min(tiles[tile % tiles.Length], wave - done);
                ReadOnlySpan<float> rows = gradient.AsSpan((first + done) * Output.Length, examples * Output.Length);
                _layer.PackGradient(rows, done * positions, examples * positions, packed, capacity);
                done += examples;
            }

            for (int slice = _layer.Slices - 1; slice >= 0; slice--)
            {
                _layer.AccumulateGradient(
                    slice,
                    new(x.AsSpan(first * Input.Length, wave * Input.Length), packed, wave * positions, capacity),
                    new(weight, bias, first > 0),
                    Spoilt(_layer.GradientWorkspaceLength(capacity)));
            }

            first += wave;
        }

        return (weight, bias);
    }

    // A slice must write the numbers that it names, and each number belongs to one slice.
    private IEnumerable<string> FaultsOfSlices(float[] x, float[] gradient)
    {
        int rows = gradient.Length / Output.Channels;
        float[] packed = new float[_layer.PackedGradientLength(rows)];
        _layer.PackGradient(gradient, 0, rows, packed, rows);
        int[] weights = new int[LengthOf(_layer.WeightShape)], biases = new int[LengthOf(_layer.BiasShape)];
        for (int slice = 0; slice < _layer.Slices; slice++)
        {
            float[] weight = Spoilt(weights.Length), bias = Spoilt(biases.Length);
            _layer.AccumulateGradient(
                slice, new(x, packed, rows, rows), new(weight, bias, accumulate: false), Spoilt(_layer.GradientWorkspaceLength(rows)));
            WeightSlice part = _layer.WeightOf(slice);
            int[] named =
            [
                .. Enumerable.Range(0, part.Pieces).SelectMany(piece => Enumerable.Range(part.Start + (piece * part.Stride), part.Length)),
            ];
            int[] ofBias = [.. Enumerable.Range(0, biases.Length).Take(_layer.BiasOf(slice))];
            if (!Written(weight).SequenceEqual(named) || !Written(bias).SequenceEqual(ofBias))
            {
                yield return $"gradient: slice {slice} does not write the numbers that it names.";
            }

            Array.ForEach(named, i => weights[i]++);
            Array.ForEach(ofBias, i => biases[i]++);
        }

        if (weights.Concat(biases).Any(times => times != 1))
        {
            yield return "gradient: a number belongs to no slice, or to two.";
        }

        static IEnumerable<int> Written(float[] numbers) =>
            Enumerable.Range(0, numbers.Length).Where(i => !float.IsNaN(numbers[i]));
    }
}
