using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// One square matrix for each channel group: z[n,p,g,:] = x[n,p,g,:] W[g] + b[g], W [groups, C, C]. Groups do not mix.
/// </summary>
public sealed class GroupedLinear : AffineLayer
{
    // Groups in a slice. Their inputs are adjacent: a few cache lines of each row, read together.
    private const int SliceGroups = 4;

    private readonly int _groups;
    private readonly int _size;
    private readonly int _packedGroup;

    /// <summary>Creates the layer.</summary>
    /// <param name="groups">Channel groups, G.</param>
    /// <param name="channelsPerGroup">Channels in one group, C.</param>
    public GroupedLinear(int groups, int channelsPerGroup)
        : base(
            checked(Positive(groups) * Positive(channelsPerGroup)),
            checked(groups * channelsPerGroup),
            channelsPerGroup,
            [groups, channelsPerGroup, channelsPerGroup],
            [groups, channelsPerGroup])
    {
        _groups = groups;
        _size = channelsPerGroup;
        _packedGroup = Gemm.PackedLength(channelsPerGroup, channelsPerGroup);
    }

    /// <inheritdoc/>
    public override int Groups => _groups;

    /// <inheritdoc/>
    public override Reach Reach => new(0, _size);

    /// <inheritdoc/>
    internal override (int First, int Count)? OutputsOf(int row) => (row / _size * _size, _size);

    /// <inheritdoc/>
    internal override MatrixGroups? Matrices => new(_groups, _size, _size, _size * _size, _size);

    /// <inheritdoc/>
    public override string ToString() => $"GroupedLinear({_groups}, {_size})";

    /// <inheritdoc/>
    public override long MultiplyAddsPerRow => (long)_groups * _size * _size;

    /// <inheritdoc/>
    public override int PackedWeightLength => _groups * _packedGroup;

    /// <inheritdoc/>
    public override int Slices => (_groups + SliceGroups - 1) / SliceGroups;

    /// <inheritdoc/>
    public override WeightSlice WeightOf(int slice) => new(slice * SliceGroups * _size * _size, GroupsOf(slice) * _size * _size);

    /// <inheritdoc/>
    public override Range BiasOf(int slice) => (slice * SliceGroups * _size)..(((slice * SliceGroups) + GroupsOf(slice)) * _size);

    /// <inheritdoc/>
    public override int GradientWorkspaceLength(int rows) => checked(rows * _size * SliceGroups);

    /// <inheritdoc/>
    public override void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed) =>
        PackGroups(slice * SliceGroups, GroupsOf(slice), weight, transposed: false, packed);

    /// <inheritdoc/>
    public override int PackedTransposeLength => PackedWeightLength;

    /// <inheritdoc/>
    public override void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed) =>
        PackGroups(0, _groups, weight, transposed: true, packed);

    /// <inheritdoc/>
    public override void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace) =>
        Apply(packedTranspose, outputGradient, inputGradient, rows, workspace);

    /// <inheritdoc/>
    public override void Apply(
        ReadOnlySpan<float> packedWeight,
        ReadOnlySpan<float> input,
        Span<float> output,
        int rows,
        Span<float> workspace,
        bool accumulate = false,
        ReadOnlySpan<float> upcoming = default)
    {
        int part = upcoming.Length / _groups;
        for (int g = 0; g < _groups; g++)
        {
            int channel = g * _size;
            Gemm.MultiplyPacked(
                new(input[channel..], rows, _size, Inputs),
                new(packedWeight.Slice(g * _packedGroup, _packedGroup), _size, _size),
                output[channel..],
                Outputs,
                accumulate,
                upcoming.Slice(g * part, part));
        }
    }

    /// <inheritdoc/>
    public override int PackedGradientLength(int rows) => _groups * Gemm.PackedLength(rows, _size);

    /// <inheritdoc/>
    public override void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity)
    {
        int length = Gemm.PackedLength(capacity, _size);
        for (int g = 0; g < _groups; g++)
        {
            Gemm.Pack(new(gradient[(g * _size)..], rows, _size, Outputs), packed.Slice(g * length, length), capacity, firstRow);
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
        int first = slice * SliceGroups, count = GroupsOf(slice), width = count * _size;
        int length = Gemm.PackedLength(wave.Capacity, _size);
        Gemm.Gather(wave.Input, Inputs, first * _size, width, wave.Count, workspace);
        for (int g = 0; g < count; g++)
        {
            int channel = (first + g) * _size;
            ReadOnlySpan<float> packed = wave.PackedGradient.Slice((first + g) * length, length);
            ReadOnlySpan<float> next = g + 1 < count ? wave.PackedGradient.Slice((first + g + 1) * length, length) : upcoming;
            Gemm.MultiplyPacked(
                new MatrixView(workspace[(g * _size)..], wave.Count, _size, width).Transposed,
                new(packed, wave.Capacity, _size),
                gradient.Weight.Slice(channel * _size, _size * _size),
                _size,
                gradient.Accumulate,
                next);
            Gemm.ColumnSums(packed, wave.Capacity, wave.Count, gradient.Bias.Slice(channel, _size), gradient.Accumulate);
        }
    }

    private int GroupsOf(int slice) => Math.Min(SliceGroups, _groups - (slice * SliceGroups));

    private void PackGroups(int first, int count, ReadOnlySpan<float> weight, bool transposed, Span<float> packed)
    {
        for (int g = first; g < first + count; g++)
        {
            MatrixView matrix = new(weight.Slice(g * _size * _size, _size * _size), _size, _size);
            Gemm.Pack(transposed ? matrix.Transposed : matrix, packed.Slice(g * _packedGroup, _packedGroup), _size);
        }
    }
}
