using Onward.Kernels;

namespace Onward.Layers;

/// <summary>Pools square windows of the grid of positions, for each channel by itself. The arguments are those of PyTorch.</summary>
/// <remarks>
/// The output has (side + 2 padding - kernel) / stride + 1 positions along each side, rounded down. <see cref="GridPooling"/> is the
/// pooling of the paper's code, whose windows cover the whole grid.
/// </remarks>
public abstract class Pool2d : ExampleLayer
{
    private protected Pool2d(int kernelSize, int? stride, int padding)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(kernelSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(padding);
        (KernelSize, Stride, Padding) = (kernelSize, stride ?? kernelSize, padding);
        ArgumentOutOfRangeException.ThrowIfLessThan(Stride, 1, nameof(stride));
        if (2L * padding > kernelSize)
        {
            throw new ArgumentException(
                $"The padding is at most half of the window, so that every window has a place on the grid; "
                + $"got {padding} for a window of {kernelSize}.",
                nameof(padding));
        }
    }

    /// <summary>Positions along each side of a window.</summary>
    public int KernelSize { get; }

    /// <summary>Positions from a window to the next.</summary>
    public int Stride { get; }

    /// <summary>Places beyond the edge on each side of the grid.</summary>
    public int Padding { get; }

    /// <inheritdoc/>
    public override Reach Reach => Reach.OfWindows(KernelSize, Stride, Padding, run: 1);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input)
    {
        WindowGrid grid = GridOf(input);
        return grid.Rows > 0 && grid.Columns > 0
            ? new(grid.Rows, grid.Columns, input.Channels)
            : throw Refuse(input, $"a grid of at least {Math.Max(1, KernelSize - (2 * Padding))} positions along each side");
    }

    /// <inheritdoc/>
    public override string ToString() => $"{GetType().Name}({KernelSize}, {Stride}, {Padding})";

    private protected PoolingKernel KernelOf(ExampleShape input) => new(GridOf(input), input.Channels);

    private WindowGrid GridOf(ExampleShape input) => WindowGrid.Padded(input.Height, input.Width, KernelSize, Stride, Padding);
}

/// <summary>The largest number of each window. Places beyond the edge do not count; of equal numbers, the first is the largest.</summary>
/// <param name="kernelSize">Positions along each side of a window.</param>
/// <param name="stride">Positions from a window to the next; null for <paramref name="kernelSize"/>.</param>
/// <param name="padding">Places beyond the edge on each side of the grid, at most half of <paramref name="kernelSize"/>.</param>
public sealed class MaxPool2d(int kernelSize, int? stride = null, int padding = 0) : Pool2d(kernelSize, stride, padding)
{
    /// <inheritdoc/>
    public override int WorkspaceOf(ExampleShape input) => input.Channels;

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output) => KernelOf(example.Shape).Maximum(example.Input, output);

    /// <inheritdoc/>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result) =>
        KernelOf(example.Shape).MaximumTangent(example.Input, tangent, result, example.Workspace);

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result) =>
        KernelOf(example.Shape).MaximumTranspose(example.Input, gradient, result);
}

/// <summary>The mean of each window. Places beyond the edge count as zeros, as by default in PyTorch.</summary>
/// <param name="kernelSize">Positions along each side of a window.</param>
/// <param name="stride">Positions from a window to the next; null for <paramref name="kernelSize"/>.</param>
/// <param name="padding">Zeros beyond the edge on each side of the grid, at most half of <paramref name="kernelSize"/>.</param>
public sealed class AvgPool2d(int kernelSize, int? stride = null, int padding = 0) : Pool2d(kernelSize, stride, padding)
{
    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output) =>
        KernelOf(example.Shape).Average(example.Input, output, KernelSize * KernelSize);

    /// <inheritdoc/>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result) =>
        KernelOf(example.Shape).Average(tangent, result, KernelSize * KernelSize);

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result) =>
        KernelOf(example.Shape).AverageTranspose(gradient, result, KernelSize * KernelSize);
}
