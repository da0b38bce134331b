using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// One matrix over the patches of each example, the same for every channel: z[n,q,c] = sum over p of W[p,q] x[n,p,c] + b[q],
/// W [P, P].
/// </summary>
/// <remarks>
/// Activations stay [example, patch, channel], and are not transposed: the map is the product of the transposed matrix with the
/// activations [P, D] of an example. The paper's code has the layout [example, channel, patch].
/// </remarks>
public sealed class TokenMixing : AffineLayer
{
    // Rows of W in a slice. Each slice of a gradient reads all packed gradients.
    private const int SliceRows = 32;

    private readonly int _patches;
    private readonly int _channels;

    /// <summary>Creates the layer.</summary>
    /// <param name="patches">Patches in an example, P.</param>
    /// <param name="channels">Channels of a patch, D.</param>
    public TokenMixing(int patches, int channels)
        : base(Positive(channels), channels, Positive(patches), [patches, patches], [patches])
    {
        _patches = patches;
        _channels = channels;
    }

    /// <inheritdoc/>
    public override int MixedRows => _patches;

    /// <inheritdoc/>
    public override Reach Reach => new(Reach.All, 1);

    /// <inheritdoc/>
    internal override (int First, int Count)? OutputsOf(int row) => null;

    /// <inheritdoc/>
    public override string ToString() => $"TokenMixing({_patches}, {_channels})";

    /// <inheritdoc/>
    public override long MultiplyAddsPerRow => (long)_patches * _channels;

    /// <inheritdoc/>
    public override int PackedWeightLength => _patches * _patches;

    /// <inheritdoc/>
    public override int Slices => (_patches + SliceRows - 1) / SliceRows;

    /// <inheritdoc/>
    public override WeightSlice WeightOf(int slice) => new(slice * SliceRows * _patches, RowsOf(slice) * _patches);

    /// <inheritdoc/>
    public override Range BiasOf(int slice) => slice == 0 ? .._patches : default;

    /// <inheritdoc/>
    public override int WorkspaceLength => Gemm.WorkspaceLength(_patches);

    /// <inheritdoc/>
    public override void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
        WeightSlice part = WeightOf(slice);
        weight.Slice(part.Start, part.Length).CopyTo(packed[part.Start..]);
    }

    /// <inheritdoc/>
    public override void Apply(
        ReadOnlySpan<float> packedWeight,
        ReadOnlySpan<float> input,
        Span<float> output,
        int rows,
        Span<float> workspace,
        bool accumulate = false,
        ReadOnlySpan<float> upcoming = default) =>
        Mix(new MatrixView(packedWeight, _patches, _patches).Transposed, input, output, rows, workspace, accumulate, upcoming);

    /// <inheritdoc/>
    public override int PackedTransposeLength => PackedWeightLength;

    /// <inheritdoc/>
    public override void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed) => weight.CopyTo(packed);

    /// <inheritdoc/>
    public override void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace) =>
        Mix(new(packedTranspose, _patches, _patches), outputGradient, inputGradient, rows, workspace, accumulate: false, []);

    /// <inheritdoc/>
    public override bool HasBiasOfRow => false;

    /// <inheritdoc/>
    public override void AddBias(ReadOnlySpan<float> bias, Span<float> output, int firstPatch)
    {
        for (int patch = firstPatch; !output.IsEmpty; output = output[_channels..], patch = (patch + 1) % _patches)
        {
            TensorPrimitives.Add(output[.._channels], bias[patch], output[.._channels]);
        }
    }

    /// <inheritdoc/>
    public override int PackedGradientLength(int rows) => Gemm.PackedLength(rows / _patches * _channels, _patches);

    /// <inheritdoc/>
    public override void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity)
    {
        int length = _patches * _channels;
        for (int row = 0; row < rows; row += _patches)
        {
            Gemm.Pack(
                new MatrixView(gradient.Slice(row * _channels, length), _patches, _channels).Transposed,
                packed,
                capacity / _patches * _channels,
                (firstRow + row) / _patches * _channels);
        }
    }

    /// <inheritdoc/>
    public override void AccumulateGradient(
        int slice,
        scoped in GradientRows wave,
        scoped in LayerGradient gradient,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default)
    {
        int first = slice * SliceRows;
        int count = RowsOf(slice);
        int steps = wave.Capacity / _patches * _channels;
        for (int row = 0; row < wave.Count; row += _patches)
        {
            Gemm.MultiplyPacked(
                new(wave.Input.Slice((row + first) * _channels, count * _channels), count, _channels),
                new(wave.PackedGradient, steps, _patches, row / _patches * _channels),
                gradient.Weight[(first * _patches)..],
                _patches,
                gradient.Accumulate || row > 0);
        }

        if (slice == 0)
        {
            Gemm.ColumnSums(wave.PackedGradient, steps, wave.Count / _patches * _channels, gradient.Bias, gradient.Accumulate);
        }
    }

    private int RowsOf(int slice) => Math.Min(SliceRows, _patches - (slice * SliceRows));

    private void Mix(
        scoped in MatrixView matrix,
        ReadOnlySpan<float> input,
        Span<float> output,
        int rows,
        Span<float> workspace,
        bool accumulate,
        ReadOnlySpan<float> upcoming)
    {
        int length = _patches * _channels, part = upcoming.Length / Math.Max(1, rows / _patches);
        for (int start = 0; start < rows * _channels; start += length)
        {
            Gemm.Multiply(
                matrix,
                new(input.Slice(start, length), _patches, _channels),
                output.Slice(start, length),
                _channels,
                accumulate,
                workspace,
                upcoming.Slice(start / length * part, part));
        }
    }
}
