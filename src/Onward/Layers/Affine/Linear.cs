using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// A full matrix over the channels of each row: z[n,p,:] = x[n,p,:] W + b, W [inputs, outputs]. With a bias for each position, b is
/// b[p,:]: where the rows are patches, it is their position embedding.
/// </summary>
public sealed class Linear : AffineLayer
{
    /// <summary>Creates the layer.</summary>
    /// <param name="inputs">Floats in one row of the input.</param>
    /// <param name="outputs">Floats in one row of the output.</param>
    /// <param name="positions">Positions that each have a bias of their own; 0 for one bias for all positions.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    public Linear(int inputs, int outputs, int positions = 0)
        : base(Positive(inputs), Positive(outputs), inputs, [inputs, outputs], positions == 0 ? [outputs] : [positions, outputs])
    {
        ArgumentOutOfRangeException.ThrowIfNegative(positions);
        Positions = positions;
    }

    /// <summary>Positions that each have a bias of their own; 0 for one bias for all positions.</summary>
    public int Positions { get; }

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => Positions == 0 || input.Positions == Positions
        ? base.OutputOf(input)
        : throw Refuse(input, $"{Positions} positions of {Inputs} channels");

    /// <inheritdoc/>
    public override bool HasBiasOfRow => Positions == 0;

    /// <inheritdoc/>
    public override Reach Reach => new(0, Reach.All);

    /// <inheritdoc/>
    public override string ToString() => Positions == 0 ? $"Linear({Inputs}, {Outputs})" : $"Linear({Inputs}, {Outputs}, {Positions})";

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
    public override Range BiasOf(int slice) => slice == 0 ? ..(Math.Max(1, Positions) * Outputs) : default;

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
            int positions = Math.Max(1, Positions);
            for (int p = 0; p < positions; p++)
            {
                Gemm.ColumnSums(
                    wave.PackedGradient,
                    wave.Capacity,
                    wave.Count,
                    gradient.Bias.Slice(p * Outputs, Outputs),
                    gradient.Accumulate,
                    p,
                    positions);
            }
        }
    }

    private int RowsOf(int slice) => Math.Min(SliceRows, Inputs - (slice * SliceRows));
}
