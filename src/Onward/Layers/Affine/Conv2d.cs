using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// A convolution over the grid of positions: z[y,x,o] = sum over i, j, c of W[i,j,c,o] a[y s + i - p, x s + j - p, c] + b[o], zeros beyond
/// the edge, with stride s and padding p. W is [kernel, kernel, inputs of a group, outputs]. The arguments have the names and the order of
/// PyTorch.
/// </summary>
/// <remarks>
/// The output has (side + 2 p - kernel) / s + 1 positions along each side, rounded down. Windows are copied side by side (unfolded), some
/// rows at a time, and multiplied by W as one matrix. A kernel of one place with stride 1 reads the input in place, as
/// <see cref="Linear"/> does. <see cref="DepthwiseConvolution"/> is faster where every channel is a group of its own.
/// </remarks>
public sealed class Conv2d : AffineLayer
{
    // Rows of W in a slice at most, as in Linear; and slices of a group at least, because a small kernel meets many positions. A slice
    // has whole tiles of rows.
    private const int MostSliceRows = 96;
    private const int FewestSlices = 4;
    private const int TileRows = 6;

    // Rows of a product: as many floats of unfolded windows as half of a second cache, but enough rows to reuse the packed weights.
    private const int UnfoldedLength = 128 * 1024;
    private const int FewestRows = 24;
    private const int MostRows = 128;

    // Rows that a weight gradient unfolds at a time.
    private const int SumRows = 512;

    private readonly int _kernel;
    private readonly int _stride;
    private readonly int _padding;
    private readonly int _groups;
    private readonly int _inputs; // of a group
    private readonly int _outputs; // of a group
    private readonly int _sliceRows;
    private readonly WindowGrid? _grid;

    /// <summary>Creates the layer.</summary>
    /// <param name="inChannels">Channels of the input.</param>
    /// <param name="outChannels">Channels of the output.</param>
    /// <param name="kernelSize">Positions along each side of the kernel.</param>
    /// <param name="stride">Positions from a window to the next.</param>
    /// <param name="padding">Zeros on each side of the grid.</param>
    /// <param name="groups">Groups of channels that do not mix.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of range.</exception>
    /// <exception cref="ArgumentException">The channels are not divided by the groups.</exception>
    public Conv2d(int inChannels, int outChannels, int kernelSize, int stride = 1, int padding = 0, int groups = 1)
        : this(inChannels, outChannels, kernelSize, stride, padding, groups, null)
    {
    }

    private Conv2d(int inChannels, int outChannels, int kernelSize, int stride, int padding, int groups, WindowGrid? grid)
        : base(
            Positive(inChannels),
            Positive(outChannels),
            checked(kernelSize * kernelSize * (inChannels / Math.Max(1, groups))),
            [kernelSize, kernelSize, inChannels / Math.Max(1, groups), outChannels],
            [outChannels])
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        ArgumentOutOfRangeException.ThrowIfLessThan(groups, 1);
        if (inChannels % groups != 0 || outChannels % groups != 0)
        {
            throw new ArgumentException($"{inChannels} and {outChannels} channels are not divided by {groups} groups.", nameof(groups));
        }

        (_kernel, _stride, _padding, _groups, _grid) = (kernelSize, stride, padding, groups, grid);
        (_inputs, _outputs) = (inChannels / groups, outChannels / groups);
        int slices = Math.Max((FanIn + MostSliceRows - 1) / MostSliceRows, groups == 1 ? FewestSlices : 1);
        _sliceRows = (((FanIn + slices - 1) / slices) + TileRows - 1) / TileRows * TileRows;
    }

    /// <summary>Positions along each side of the kernel.</summary>
    public int KernelSize => _kernel;

    /// <summary>Positions from a window to the next.</summary>
    public int Stride => _stride;

    /// <summary>Zeros on each side of the grid.</summary>
    public int Padding => _padding;

    /// <summary>Groups of channels that do not mix.</summary>
    public int ChannelGroups => _groups;

    /// <inheritdoc/>
    public override int Groups => IsPointwise ? _groups : 1;

    /// <inheritdoc/>
    public override int MixedRows => IsPointwise || _grid is null ? 1 : _grid.Value.Positions;

    /// <inheritdoc/>
    public override Reach Reach =>
        Reach.OfWindows(_kernel, _stride, _padding, _groups > 1 && _inputs == _outputs ? _inputs : Reach.All);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input)
    {
        int height = WindowGrid.WindowsAlong(input.Height, _kernel, _stride, _padding);
        int width = WindowGrid.WindowsAlong(input.Width, _kernel, _stride, _padding);
        return input.Channels == Inputs && height > 0 && width > 0
            ? new(height, width, Outputs)
            : throw Refuse(
                input, $"{Inputs} channels on a grid of at least {Math.Max(1, _kernel - (2 * _padding))} positions along each side");
    }

    /// <inheritdoc/>
    public override AffineLayer At(ExampleShape input)
    {
        _ = OutputOf(input);
        WindowGrid grid = WindowGrid.Padded(input.Height, input.Width, _kernel, _stride, _padding);
        return new Conv2d(Inputs, Outputs, _kernel, _stride, _padding, _groups, grid) { Name = Name };
    }

    /// <inheritdoc/>
    /// <remarks>The kernel of a single channel is a vector.</remarks>
    internal override MatrixGroups? Matrices => _outputs == 1 && _inputs == 1 ? null : new(_groups, FanIn, _outputs, _outputs, Outputs);

    /// <inheritdoc/>
    public override string ToString() => $"Conv2d({Inputs}, {Outputs}, {_kernel}, {_stride}, {_padding}, {_groups})";

    /// <inheritdoc/>
    /// <remarks>Counts every place of the kernel, including places beyond the edge.</remarks>
    public override long MultiplyAddsPerRow => (long)FanIn * Outputs;

    /// <inheritdoc/>
    public override int PackedWeightLength => checked(_groups * Gemm.PackedLength(FanIn, _outputs));

    /// <inheritdoc/>
    public override int Slices => _groups * SlicesOfGroup;

    /// <inheritdoc/>
    public override WeightSlice WeightOf(int slice)
    {
        (int group, int first, int count) = RowsOf(slice);
        int start = (first * Outputs) + (group * _outputs);
        return _groups == 1 ? new(start, count * Outputs) : new(start, _outputs, count, Outputs);
    }

    /// <inheritdoc/>
    public override Range BiasOf(int slice)
    {
        (int group, int first, _) = RowsOf(slice);
        return first == 0 ? (group * _outputs)..((group + 1) * _outputs) : default;
    }

    /// <inheritdoc/>
    public override int WorkspaceLength => IsPointwise ? 0 : ProductRows * FanIn;

    /// <inheritdoc/>
    public override int GradientWorkspaceLength(int rows) => ReadsInPlace ? 0 : Math.Min(_sliceRows, FanIn) * Math.Min(rows, SumRows);

    /// <inheritdoc/>
    public override void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
        (int group, int first, int count) = RowsOf(slice);
        Gemm.Pack(Part(weight, group, first, count), PartOf(packed, group, PackedWeightLength), FanIn, first);
    }

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
        for (int start = 0, count; start < rows; start += count)
        {
            count = IsPointwise ? rows : Math.Min(ProductRows, rows - start);
            for (int g = 0; g < _groups; g++)
            {
                MatrixView a = new(input[(g * _inputs)..], rows, _inputs, Inputs);
                if (!IsPointwise)
                {
                    Unfolded(g).Unfold(input, start, count, 0, FanIn, workspace);
                    a = new(workspace, count, FanIn);
                }

                Gemm.MultiplyPacked(
                    a,
                    new(PartOf(packedWeight[..PackedWeightLength], g), FanIn, _outputs),
                    output[((start * Outputs) + (g * _outputs))..],
                    Outputs,
                    accumulate,
                    start + count == rows && g == _groups - 1 ? upcoming : default);
            }
        }
    }

    /// <inheritdoc/>
    public override int PackedTransposeLength => checked(_groups * Gemm.PackedLength(_outputs, FanIn));

    /// <inheritdoc/>
    public override int TransposingSlices => _groups * Gemm.Panels(FanIn);

    /// <inheritdoc/>
    public override void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
        int group = slice / Gemm.Panels(FanIn);
        Gemm.Pack(
            Part(weight, group, 0, FanIn).Transposed,
            PartOf(packed, group, PackedTransposeLength),
            _outputs,
            panel: slice % Gemm.Panels(FanIn));
    }

    /// <inheritdoc/>
    public override void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace)
    {
        if (!IsPointwise)
        {
            inputGradient[..(rows / Grid.Count * Grid.Positions * Inputs)].Clear();
        }

        for (int start = 0, count; start < rows; start += count)
        {
            count = IsPointwise ? rows : Math.Min(ProductRows, rows - start);
            for (int g = 0; g < _groups; g++)
            {
                Gemm.MultiplyPacked(
                    new(outputGradient[((start * Outputs) + (g * _outputs))..], count, _outputs, Outputs),
                    new(PartOf(packedTranspose[..PackedTransposeLength], g), _outputs, FanIn),
                    IsPointwise ? inputGradient[(g * _inputs)..] : workspace,
                    IsPointwise ? Inputs : FanIn,
                    accumulate: false);
                if (!IsPointwise)
                {
                    Unfolded(g).Fold(workspace, start, count, inputGradient);
                }
            }
        }
    }

    /// <inheritdoc/>
    public override int PackedGradientLength(int rows) => checked(_groups * Gemm.PackedLength(rows, _outputs));

    /// <inheritdoc/>
    public override void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity)
    {
        for (int g = 0; g < _groups; g++)
        {
            Gemm.Pack(
                new(gradient[(g * _outputs)..], rows, _outputs, Outputs),
                PartOf(packed, g, PackedGradientLength(capacity)),
                capacity,
                firstRow);
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
        (int group, int first, int count) = RowsOf(slice);
        ReadOnlySpan<float> packed = PartOf(wave.PackedGradient[..PackedGradientLength(wave.Capacity)], group);
        for (int start = 0, rows; start < wave.Count; start += rows)
        {
            rows = ReadsInPlace ? wave.Count : Math.Min(SumRows, wave.Count - start);
            ReadOnlySpan<float> columns = wave.Input;
            if (!ReadsInPlace)
            {
                Unfold(wave.Input, group, first, count, start, rows, workspace);
                columns = workspace;
            }

            Gemm.MultiplyPacked(
                new MatrixView(columns, rows, count).Transposed,
                new(packed, wave.Capacity, _outputs, start),
                gradient.Weight[((first * Outputs) + (group * _outputs))..],
                Outputs,
                gradient.Accumulate || start > 0,
                start + rows == wave.Count ? upcoming : default);
        }

        if (first == 0)
        {
            Gemm.ColumnSums(
                packed, wave.Capacity, wave.Count, gradient.Bias.Slice(group * _outputs, _outputs), gradient.Accumulate);
        }
    }

    // A kernel of one place on every position.
    private bool IsPointwise => _kernel == 1 && _stride == 1 && _padding == 0;

    // True if the only slice of a weight gradient takes all numbers of the input.
    private bool ReadsInPlace => IsPointwise && _groups == 1 && Inputs <= _sliceRows;

    private int SlicesOfGroup => (FanIn + _sliceRows - 1) / _sliceRows;

    private int ProductRows => Math.Clamp(UnfoldedLength / FanIn, FewestRows, MostRows);

    private WindowGrid Grid => _grid
        ?? throw new InvalidOperationException($"{this} computes on no grid yet. A network places it on its grid, or At does.");

    private Unfolding Unfolded(int group) => new(Grid, Inputs, group * _inputs, _inputs);

    private (int Group, int First, int Count) RowsOf(int slice)
    {
        int first = slice % SlicesOfGroup * _sliceRows;
        return (slice / SlicesOfGroup, first, Math.Min(_sliceRows, FanIn - first));
    }

    // Some columns of the unfolded windows.
    private void Unfold(ReadOnlySpan<float> input, int group, int first, int count, int start, int rows, Span<float> target)
    {
        if (IsPointwise)
        {
            Gemm.Gather(input[(start * Inputs)..], Inputs, (group * _inputs) + first, count, rows, target);
        }
        else
        {
            Unfolded(group).Unfold(input, start, rows, first, count, target);
        }
    }

    private MatrixView Part(ReadOnlySpan<float> weight, int group, int first, int count) =>
        new(weight[((first * Outputs) + (group * _outputs))..], count, _outputs, Outputs);

    private Span<float> PartOf(Span<float> all, int group, int length) => all.Slice(group * (length / _groups), length / _groups);

    private ReadOnlySpan<float> PartOf(ReadOnlySpan<float> all, int group) =>
        all.Slice(group * (all.Length / _groups), all.Length / _groups);
}
