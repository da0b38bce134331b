using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// A depthwise convolution over the grid of patches, with a small kernel for each channel: z[n,y,x,c] = sum over i, j of
/// W[i,j,c] a[n,y+i-r,x+j-r,c] + b[c], W [k, k, D], r = (k - 1) / 2, zeros beyond the edge (<c>conv_mixer</c> of the paper's code).
/// </summary>
/// <remarks>
/// Rows stay [example, patch, channel], which is [example, y, x, channel]. The paper's code has a weight [k, k, 1, D] with a fan-in
/// of 1 (paper's code). Here the fan-in is k^2, the number of inputs of one output. The initial scale is capped at 0.1, so both start
/// with the same scale up to k = 19 (Kaiming) or k = 9 (Lecun).
/// </remarks>
public sealed class DepthwiseConvolution : AffineLayer
{
    // Channels in a slice: the four vectors that the kernel computes at a time.
    private const int SliceChannels = 64;

    private readonly int _side;
    private readonly DepthwiseShape _shape;
    private readonly int _channels;

    /// <summary>Creates the layer.</summary>
    /// <param name="side">Patches along each side of the grid.</param>
    /// <param name="kernelSide">Patches along each side of the kernel, k; odd.</param>
    /// <param name="channels">Channels of a patch, D.</param>
    /// <exception cref="ArgumentException"><paramref name="kernelSide"/> is not an odd number above 0.</exception>
    public DepthwiseConvolution(int side, int kernelSide, int channels)
        : base(Positive(channels), channels, checked(kernelSide * kernelSide), [kernelSide, kernelSide, channels], [channels])
    {
        if (kernelSide < 1 || kernelSide % 2 == 0)
        {
            throw new ArgumentException($"The kernel side must be an odd number above 0; got {kernelSide}.", nameof(kernelSide));
        }

        _side = side;
        _channels = channels;
        _shape = new DepthwiseShape(side, kernelSide, channels);
    }

    /// <summary>Patches along each side of the grid.</summary>
    public int Side => _side;

    /// <inheritdoc/>
    public override int MixedRows => _side * _side;

    /// <inheritdoc/>
    public override Reach Reach => new(WeightShape[0] / 2, 1);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input == new ExampleShape(_side, _side, _channels)
        ? input
        : throw Refuse(input, $"{_side} x {_side} positions of {_channels} channels");

    /// <inheritdoc/>
    /// <remarks>The kernel of a channel is a vector.</remarks>
    internal override MatrixGroups? Matrices => null;

    /// <inheritdoc/>
    public override string ToString() => $"DepthwiseConvolution({_side}, {WeightShape[0]}, {_channels})";

    /// <inheritdoc/>
    /// <remarks>Counts every place of the kernel, including places beyond the edge.</remarks>
    public override long MultiplyAddsPerRow => (long)FanIn * _channels;

    /// <inheritdoc/>
    public override int PackedWeightLength => checked(FanIn * _channels);

    /// <inheritdoc/>
    public override int Slices => (_channels + SliceChannels - 1) / SliceChannels;

    /// <inheritdoc/>
    public override WeightSlice WeightOf(int slice) => new(slice * SliceChannels, ChannelsOf(slice), FanIn, _channels);

    /// <inheritdoc/>
    public override Range BiasOf(int slice) => (slice * SliceChannels)..((slice * SliceChannels) + ChannelsOf(slice));

    /// <inheritdoc/>
    public override void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
        for (int place = 0; place < FanIn; place++)
        {
            int start = (place * _channels) + (slice * SliceChannels);
            weight.Slice(start, ChannelsOf(slice)).CopyTo(packed[start..]);
        }
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
        int length = _side * _side * _channels;
        for (int start = 0; start < rows * _channels; start += length)
        {
            DepthwiseKernel.Convolve(
                _shape, packedWeight[..PackedWeightLength], input.Slice(start, length), output.Slice(start, length), accumulate);
        }
    }

    /// <inheritdoc/>
    public override int PackedTransposeLength => PackedWeightLength;

    /// <inheritdoc/>
    /// <remarks>The transposed map is the convolution with the kernel rotated by 180 degrees.</remarks>
    public override void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
        for (int place = 0; place < FanIn; place++)
        {
            weight.Slice(place * _channels, _channels).CopyTo(packed[((FanIn - 1 - place) * _channels)..]);
        }
    }

    /// <inheritdoc/>
    public override void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace) =>
        Apply(packedTranspose, outputGradient, inputGradient, rows, workspace);

    /// <inheritdoc/>
    public override int PackedGradientLength(int rows) => checked(rows * _channels);

    /// <inheritdoc/>
    public override void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity) =>
        gradient[..(rows * _channels)].CopyTo(packed[(firstRow * _channels)..]);

    /// <inheritdoc/>
    public override void AccumulateGradient(
        int slice,
        scoped in GradientRows wave,
        scoped in LayerGradient gradient,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default)
    {
        int first = slice * SliceChannels, count = ChannelsOf(slice), length = _side * _side * _channels;
        Span<float> bias = gradient.Bias.Slice(first, count);
        if (!gradient.Accumulate)
        {
            bias.Clear();
        }

        for (int start = 0; start < wave.Count * _channels; start += length)
        {
            ReadOnlySpan<float> error = wave.PackedGradient.Slice(start, length);
            DepthwiseKernel.AccumulateGradient(
                _shape, wave.Input.Slice(start, length), error, gradient.Weight, first..(first + count), gradient.Accumulate || start > 0);
            for (int row = 0; row < length; row += _channels)
            {
                TensorPrimitives.Add(bias, error.Slice(row + first, count), bias);
            }
        }
    }

    private int ChannelsOf(int slice) => Math.Min(SliceChannels, _channels - (slice * SliceChannels));
}
