using System.Numerics.Tensors;

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
    private readonly int _before;

    /// <summary>Describes the map.</summary>
    /// <param name="kind">The pooling of a window.</param>
    /// <param name="side">Patches along each side of the grid.</param>
    /// <param name="stride">Patches from a window to the next.</param>
    /// <param name="channels">Channels of a patch, D.</param>
    public GridPooling(PatchPooling kind, int side, int stride, int channels)
    {
        (_kind, _side, _stride, _channels) = (kind, side, stride, channels);
        OutputSide = OutputSideOf(side, stride);
        _before = Math.Max(0, ((OutputSide - 1) * stride) + Window - side) / 2;
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
    public override ExampleShape OutputOf(ExampleShape input) => input == new ExampleShape(_side, _side, _channels)
        ? new(OutputSide, OutputSide, _channels)
        : throw Refuse(input, $"{_side} x {_side} positions of {_channels} channels");

    /// <summary>Patches along each side of the narrower grid.</summary>
    /// <param name="side">Patches along each side of the grid, 1 or more.</param>
    /// <param name="stride">Patches from a window to the next.</param>
    public static int OutputSideOf(int side, int stride) => 1 + ((side - 1) / stride);

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output) => Pool(example.Input, output);

    /// <inheritdoc/>
    /// <remarks>Of equal numbers, the first counts as the largest.</remarks>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result)
    {
        if (_kind == PatchPooling.Average)
        {
            Pool(tangent, result);
            return;
        }

        for (int place = 0; place < OutputSide * OutputSide; place++)
        {
            Places window = new(this, place);
            for (int c = 0; c < _channels; c++)
            {
                result[(place * _channels) + c] = tangent[(Largest(example.Input, window, c) * _channels) + c];
            }
        }
    }

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result)
    {
        result.Clear();
        for (int place = 0; place < OutputSide * OutputSide; place++)
        {
            Places window = new(this, place);
            ReadOnlySpan<float> error = gradient.Slice(place * _channels, _channels);
            if (_kind == PatchPooling.Average)
            {
                for (int i = 0; i < window.Count; i++)
                {
                    Span<float> patch = result.Slice(window[i] * _channels, _channels);
                    TensorPrimitives.MultiplyAdd(error, 1f / window.Count, patch, patch);
                }

                continue;
            }

            for (int c = 0; c < _channels; c++)
            {
                result[(Largest(example.Input, window, c) * _channels) + c] += error[c];
            }
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"GridPooling({_side}, {_stride}, {_channels})";

    private void Pool(ReadOnlySpan<float> input, Span<float> output)
    {
        for (int place = 0; place < OutputSide * OutputSide; place++)
        {
            Places window = new(this, place);
            Span<float> pooled = output.Slice(place * _channels, _channels);
            input.Slice(window[0] * _channels, _channels).CopyTo(pooled);
            for (int i = 1; i < window.Count; i++)
            {
                ReadOnlySpan<float> patch = input.Slice(window[i] * _channels, _channels);
                if (_kind == PatchPooling.Average)
                {
                    TensorPrimitives.Add(pooled, patch, pooled);
                }
                else
                {
                    TensorPrimitives.Max(pooled, patch, pooled);
                }
            }

            if (_kind == PatchPooling.Average)
            {
                TensorPrimitives.Multiply(pooled, 1f / window.Count, pooled);
            }
        }
    }

    // The patch of a window whose number in a channel is the largest.
    private int Largest(ReadOnlySpan<float> input, in Places window, int channel)
    {
        int largest = window[0];
        for (int i = 1; i < window.Count; i++)
        {
            if (input[(window[i] * _channels) + channel] > input[(largest * _channels) + channel])
            {
                largest = window[i];
            }
        }

        return largest;
    }

    // The patches of one window that are on the grid, row by row.
    private readonly struct Places
    {
        private readonly int _first;
        private readonly int _columns;
        private readonly int _side;

        internal Places(GridPooling pooling, int place)
        {
            (int top, int rows) = Range(place / pooling.OutputSide);
            (int left, _columns) = Range(place % pooling.OutputSide);
            _side = pooling._side;
            _first = (top * _side) + left;
            Count = rows * _columns;

            (int Start, int Count) Range(int window)
            {
                int start = (window * pooling._stride) - pooling._before, first = Math.Max(0, start);
                return (first, Math.Min(start + Window, pooling._side) - first);
            }
        }

        internal int Count { get; }

        internal int this[int i] => _first + (i / _columns * _side) + (i % _columns);
    }
}
