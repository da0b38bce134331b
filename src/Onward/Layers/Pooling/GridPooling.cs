using Onward.Kernels;

namespace Onward.Layers;

/// <summary>The pooling of the patches in a window.</summary>
public enum PatchPooling
{
    /// <summary>Their mean.</summary>
    Average,

    /// <summary>The largest number of each channel.</summary>
    Maximum,
}

/// <summary>
/// Narrows the grid of patches: windows of 3 x 3 patches, one stride apart, each become one patch (paper's code). A side has as many
/// windows as strides fit into it, rounded up (padding "same"). Places beyond the edge are left out, so a mean is over existing
/// patches only. If their number is odd, the end has one more of them than the beginning.
/// </summary>
/// <remarks>The paper's code pools over the wrong axes; this class pools over the axes that the code names.</remarks>
public sealed class GridPooling : ExampleLayer
{
    /// <summary>Patches along each side of a window.</summary>
    public const int Window = 3;

    private readonly PatchPooling _kind;
    private readonly int _side;
    private readonly int _stride;
    private readonly int _channels;
    private readonly int _before; // places beyond the edge in front of the first patch
    private readonly PoolingKernel _kernel;

    /// <summary>Describes the map.</summary>
    /// <param name="kind">The pooling of a window.</param>
    /// <param name="side">Patches along each side of the grid.</param>
    /// <param name="stride">Patches from a window to the next.</param>
    /// <param name="channels">Channels of a patch, D.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1.</exception>
    public GridPooling(PatchPooling kind, int side, int stride, int channels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(side, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        (_kind, _side, _stride, _channels) = (kind, side, stride, channels);
        OutputSide = OutputSideOf(side, stride);
        _before = Math.Max(0, ((OutputSide - 1) * stride) + Window - side) / 2;
        _kernel = new(new(side, side, Window, stride, _before, OutputSide, OutputSide), channels);
    }

    /// <summary>Patches along each side of the grid.</summary>
    public int Side => _side;

    /// <summary>Patches from a window to the next.</summary>
    public int Stride => _stride;

    /// <summary>Channels of a patch, D.</summary>
    public int Channels => _channels;

    /// <summary>The pooling of a window.</summary>
    public PatchPooling Kind => _kind;

    /// <summary>Patches along each side of the narrower grid.</summary>
    public int OutputSide { get; }

    /// <inheritdoc/>
    public override Reach Reach => Reach.OfWindows(Window, _stride, _before, run: 1);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input == new ExampleShape(_side, _side, _channels)
        ? new(OutputSide, OutputSide, _channels)
        : throw Refuse(input, $"{_side} x {_side} positions of {_channels} channels");

    /// <summary>Patches along each side of the narrower grid.</summary>
    /// <param name="side">Patches along each side of the grid, 1 or more.</param>
    /// <param name="stride">Patches from a window to the next.</param>
    public static int OutputSideOf(int side, int stride) => 1 + ((side - 1) / stride);

    /// <inheritdoc/>
    public override int WorkspaceOf(ExampleShape input) => _channels;

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output)
    {
        if (_kind == PatchPooling.Average)
        {
            _kernel.Average(example.Input, output, places: 0);
        }
        else
        {
            _kernel.Maximum(example.Input, output);
        }
    }

    /// <inheritdoc/>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result)
    {
        if (_kind == PatchPooling.Average)
        {
            _kernel.Average(tangent, result, places: 0);
        }
        else
        {
            _kernel.MaximumTangent(example.Input, tangent, result, example.Workspace);
        }
    }

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result)
    {
        if (_kind == PatchPooling.Average)
        {
            _kernel.AverageTranspose(gradient, result, places: 0);
        }
        else
        {
            _kernel.MaximumTranspose(example.Input, gradient, result);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"GridPooling({_side}, {_stride}, {_channels})";
}
