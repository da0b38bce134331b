using Onward.Kernels;

namespace Onward.Layers;

/// <summary>A full matrix over the channels of each row: z[n,p,:] = x[n,p,:] W + b, W [inputs, outputs].</summary>
/// <param name="inputs">Floats in one row of the input.</param>
/// <param name="outputs">Floats in one row of the output.</param>
public sealed class Linear(int inputs, int outputs) : AffineLayer(inputs, outputs, inputs, [inputs, outputs], [outputs])
{
    /// <inheritdoc/>
    public override Reach Reach => new(0, Reach.All);

    /// <inheritdoc/>
    public override string ToString() => $"Linear({Inputs}, {Outputs})";

    // Rows of W in a slice: enough to reuse each packed panel of a gradient, few enough to share among threads.
    private const int SliceRows = 96;

    /// <inheritdoc/>
    public override long MultiplyAddsPerRow => (long)Inputs * Outputs;

    /// <inheritdoc/>
    public override int PackedWeightLength => Gemm.PackedLength(Inputs, Outputs);

    /// <inheritdoc/>
    public override int Slices => (Inputs + SliceRows - 1) / SliceRows;

    /// <inheritdoc/>
    public override WeightSlice WeightOf(int slice) => new(slice * SliceRows * Outputs, RowsOf(slice) * Outputs);

    /// <inheritdoc/>
    public override Range BiasOf(int slice) => slice == 0 ? ..Outputs : default;

    /// <inheritdoc/>
    public override int GradientWorkspaceLength(int rows) => Inputs > SliceRows ? SliceRows * rows : 0;

    /// <inheritdoc/>
    public override void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed) =>
        Gemm.Pack(new(weight[(slice * SliceRows * Outputs)..], RowsOf(slice), Outputs), packed, Inputs, slice * SliceRows);

    /// <inheritdoc/>
    public override void Apply(
        ReadOnlySpan<float> packedWeight,
        ReadOnlySpan<float> input,
        Span<float> output,
        int rows,
        Span<float> workspace,
        bool accumulate = false,
        ReadOnlySpan<float> upcoming = default) =>
        Gemm.MultiplyPacked(
            new(input, rows, Inputs), new(packedWeight, Inputs, Outputs), output, Outputs, accumulate, upcoming);

    /// <inheritdoc/>
    public override int PackedTransposeLength => Gemm.PackedLength(Outputs, Inputs);

    /// <inheritdoc/>
    public override int TransposingSlices => Gemm.Panels(Inputs);

    /// <inheritdoc/>
    public override void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed) =>
        Gemm.Pack(new MatrixView(weight, Inputs, Outputs).Transposed, packed, Outputs, panel: slice);

    /// <inheritdoc/>
    public override void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace) =>
        Gemm.MultiplyPacked(
            new(outputGradient, rows, Outputs), new(packedTranspose, Outputs, Inputs), inputGradient, Inputs, accumulate: false);

    /// <inheritdoc/>
    public override int PackedGradientLength(int rows) => Gemm.PackedLength(rows, Outputs);

    /// <inheritdoc/>
    public override void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity) =>
        Gemm.Pack(new(gradient, rows, Outputs), packed, capacity, firstRow);

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
        ReadOnlySpan<float> columns = wave.Input;
        if (count < Inputs)
        {
            Gemm.Gather(wave.Input, Inputs, first, count, wave.Count, workspace);
            columns = workspace;
        }

        Gemm.MultiplyPacked(
            new MatrixView(columns, wave.Count, count).Transposed,
            new(wave.PackedGradient, wave.Capacity, Outputs),
            gradient.Weight[(first * Outputs)..],
            Outputs,
            gradient.Accumulate,
            upcoming);
        if (slice == 0)
        {
            Gemm.ColumnSums(wave.PackedGradient, wave.Capacity, wave.Count, gradient.Bias, gradient.Accumulate);
        }
    }

    private int RowsOf(int slice) => Math.Min(SliceRows, Inputs - (slice * SliceRows));
}
