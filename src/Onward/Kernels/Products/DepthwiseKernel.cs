using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// Convolution of each channel of a square grid with a small square kernel of its own, with stride 1 and zeros beyond the edge, over
/// one example [side, side, channels].
/// </summary>
/// <remarks>
/// At most 2 k^2 FLOP a float (18 for 3 x 3), so the speed of memory is the limit: an 8 x 8 grid of 512 channels is 128 KB, which only
/// the second cache holds. Channels are adjacent, so they fill the vectors, and nothing is packed or transposed. Four vectors at a time
/// make four independent chains. Kernel places beyond the edge are left out, not multiplied by 0.
/// </remarks>
internal static unsafe class DepthwiseKernel
{
    private const int Lanes = 16;
    private const int Strip = 4 * Lanes;

    /// <summary>output[y,x,c] = or += sum over i, j of weight[i,j,c] input[y+i-r,x+j-r,c], with r = (kernelSide - 1) / 2.</summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="weight">Kernels [kernelSide, kernelSide, channels].</param>
    /// <param name="input">Values [side, side, channels].</param>
    /// <param name="output">Receives [side, side, channels].</param>
    /// <param name="accumulate">True to add to <paramref name="output"/> instead of overwriting it.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    internal static void Convolve(
        in DepthwiseShape shape, ReadOnlySpan<float> weight, ReadOnlySpan<float> input, Span<float> output, bool accumulate)
    {
        Require(shape, weight.Length, input.Length, output.Length);
        int side = shape.Side, channels = shape.Channels;
        fixed (float* w = weight, source = input, target = output)
        {
            for (int y = 0; y < side; y++)
            {
                for (int x = 0; x < side; x++)
                {
                    float* place = target + (((y * side) + x) * channels);
                    ConvolvePlace(shape, w, source, place, new Window(y, x, side, shape.KernelSide), accumulate);
                }
            }
        }
    }

    /// <summary>
    /// weightGradient[i,j,c] = or += sum over y, x of input[y+i-r,x+j-r,c] gradient[y,x,c], for some of the channels. Each number is
    /// one chain of multiply-adds over the places in order, which starts from the number in memory or from 0.
    /// </summary>
    /// <param name="shape">The sizes.</param>
    /// <param name="input">Values [side, side, channels].</param>
    /// <param name="gradient">Gradient of the output [side, side, channels].</param>
    /// <param name="weightGradient">Receives [kernelSide, kernelSide, channels], only the chosen channels.</param>
    /// <param name="chosen">The channels to compute.</param>
    /// <param name="accumulate">True to add to <paramref name="weightGradient"/> instead of overwriting it.</param>
    /// <exception cref="ArgumentException">The lengths do not fit one another.</exception>
    internal static void AccumulateGradient(
        in DepthwiseShape shape,
        ReadOnlySpan<float> input,
        ReadOnlySpan<float> gradient,
        Span<float> weightGradient,
        Range chosen,
        bool accumulate)
    {
        Require(shape, weightGradient.Length, input.Length, gradient.Length);
        (int first, int count) = chosen.GetOffsetAndLength(shape.Channels);
        int kernelSide = shape.KernelSide, channels = shape.Channels, radius = kernelSide / 2;
        fixed (float* source = input, output = gradient, target = weightGradient)
        {
            for (int i = 0; i < kernelSide; i++)
            {
                for (int j = 0; j < kernelSide; j++)
                {
                    float* sums = target + (((i * kernelSide) + j) * channels);
                    for (int c = first; c < first + count;)
                    {
                        int left = first + count - c;
                        int width = left >= Strip ? Strip : left >= Lanes ? Lanes : 1;
                        GradientStrip(shape, source + c, output + c, sums + c, (i - radius, j - radius), width, accumulate);
                        c += width;
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ConvolvePlace(
        in DepthwiseShape shape, float* weight, float* input, float* output, Window window, bool accumulate)
    {
        int side = shape.Side, kernelSide = shape.KernelSide, channels = shape.Channels;
        int c = 0;
        for (; c <= channels - Strip; c += Strip)
        {
            float* target = output + c;
            Vector512<float> s0 = Start(target, accumulate), s1 = Start(target + Lanes, accumulate);
            Vector512<float> s2 = Start(target + (2 * Lanes), accumulate), s3 = Start(target + (3 * Lanes), accumulate);
            for (int i = window.Top; i < window.Bottom; i++)
            {
                for (int j = window.Left; j < window.Right; j++)
                {
                    float* w = weight + (((i * kernelSide) + j) * channels) + c;
                    float* a = input + ((((window.Row + i) * side) + window.Column + j) * channels) + c;
                    s0 = Vector512.FusedMultiplyAdd(Vector512.Load(w), Vector512.Load(a), s0);
                    s1 = Vector512.FusedMultiplyAdd(Vector512.Load(w + Lanes), Vector512.Load(a + Lanes), s1);
                    s2 = Vector512.FusedMultiplyAdd(Vector512.Load(w + (2 * Lanes)), Vector512.Load(a + (2 * Lanes)), s2);
                    s3 = Vector512.FusedMultiplyAdd(Vector512.Load(w + (3 * Lanes)), Vector512.Load(a + (3 * Lanes)), s3);
                }
            }

            s0.Store(target);
            s1.Store(target + Lanes);
            s2.Store(target + (2 * Lanes));
            s3.Store(target + (3 * Lanes));
        }

        for (; c <= channels - Lanes; c += Lanes)
        {
            Vector512<float> sum = Start(output + c, accumulate);
            for (int i = window.Top; i < window.Bottom; i++)
            {
                for (int j = window.Left; j < window.Right; j++)
                {
                    float* w = weight + (((i * kernelSide) + j) * channels) + c;
                    float* a = input + ((((window.Row + i) * side) + window.Column + j) * channels) + c;
                    sum = Vector512.FusedMultiplyAdd(Vector512.Load(w), Vector512.Load(a), sum);
                }
            }

            sum.Store(output + c);
        }

        for (; c < channels; c++)
        {
            float sum = accumulate ? output[c] : 0;
            for (int i = window.Top; i < window.Bottom; i++)
            {
                for (int j = window.Left; j < window.Right; j++)
                {
                    float w = weight[(((i * kernelSide) + j) * channels) + c];
                    sum = MathF.FusedMultiplyAdd(w, input[((((window.Row + i) * side) + window.Column + j) * channels) + c], sum);
                }
            }

            output[c] = sum;
        }
    }

    // Four vectors of channels, one vector, or a single channel, at one place of the kernel, counted from its middle.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void GradientStrip(
        in DepthwiseShape shape, float* input, float* gradient, float* sums, (int Down, int Right) place, int width, bool accumulate)
    {
        int side = shape.Side, channels = shape.Channels;
        (int down, int right) = place;
        int top = Math.Max(0, -down), bottom = Math.Min(side, side - down);
        int left = Math.Max(0, -right), end = Math.Min(side, side - right);
        nint shift = (((nint)down * side) + right) * channels;
        if (width == 1)
        {
            float sum = accumulate ? *sums : 0;
            for (int y = top; y < bottom; y++)
            {
                for (int x = left; x < end; x++)
                {
                    nint at = (((nint)y * side) + x) * channels;
                    sum = MathF.FusedMultiplyAdd(input[at + shift], gradient[at], sum);
                }
            }

            *sums = sum;
        }
        else if (width == Lanes)
        {
            Vector512<float> sum = Start(sums, accumulate);
            for (int y = top; y < bottom; y++)
            {
                for (int x = left; x < end; x++)
                {
                    float* g = gradient + ((((nint)y * side) + x) * channels);
                    float* a = input + ((((nint)y * side) + x) * channels) + shift;
                    sum = Vector512.FusedMultiplyAdd(Vector512.Load(a), Vector512.Load(g), sum);
                }
            }

            sum.Store(sums);
        }
        else
        {
            Vector512<float> s0 = Start(sums, accumulate), s1 = Start(sums + Lanes, accumulate);
            Vector512<float> s2 = Start(sums + (2 * Lanes), accumulate), s3 = Start(sums + (3 * Lanes), accumulate);
            for (int y = top; y < bottom; y++)
            {
                for (int x = left; x < end; x++)
                {
                    float* g = gradient + ((((nint)y * side) + x) * channels);
                    float* a = input + ((((nint)y * side) + x) * channels) + shift;
                    s0 = Vector512.FusedMultiplyAdd(Vector512.Load(a), Vector512.Load(g), s0);
                    s1 = Vector512.FusedMultiplyAdd(Vector512.Load(a + Lanes), Vector512.Load(g + Lanes), s1);
                    s2 = Vector512.FusedMultiplyAdd(Vector512.Load(a + (2 * Lanes)), Vector512.Load(g + (2 * Lanes)), s2);
                    s3 = Vector512.FusedMultiplyAdd(Vector512.Load(a + (3 * Lanes)), Vector512.Load(g + (3 * Lanes)), s3);
                }
            }

            s0.Store(sums);
            s1.Store(sums + Lanes);
            s2.Store(sums + (2 * Lanes));
            s3.Store(sums + (3 * Lanes));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Start(float* memory, bool accumulate) => accumulate ? Vector512.Load(memory) : Vector512<float>.Zero;

    private static void Require(in DepthwiseShape shape, int weight, int input, int output)
    {
        (int side, int kernelSide, int channels) = shape;
        if (input != side * side * channels || output != input || weight != kernelSide * kernelSide * channels || kernelSide % 2 == 0)
        {
            throw new ArgumentException(
                $"A {side} x {side} grid of {channels} channels and a {kernelSide} x {kernelSide} kernel (odd) do not fit "
                + $"arrays of {input}, {output} and {weight} floats.");
        }
    }

    // The places of the kernel that lie on the grid if its middle is at (y, x), and the place of its corner on the grid.
    private readonly struct Window(int y, int x, int side, int kernelSide)
    {
        internal int Row { get; } = y - (kernelSide / 2);

        internal int Column { get; } = x - (kernelSide / 2);

        internal int Top { get; } = Math.Max(0, (kernelSide / 2) - y);

        internal int Bottom { get; } = Math.Min(kernelSide, side - y + (kernelSide / 2));

        internal int Left { get; } = Math.Max(0, (kernelSide / 2) - x);

        internal int Right { get; } = Math.Min(kernelSide, side - x + (kernelSide / 2));
    }
}

/// <summary>The sizes of a depthwise convolution.</summary>
/// <param name="Side">Places along each side of the grid.</param>
/// <param name="KernelSide">Places along each side of the kernel; odd.</param>
/// <param name="Channels">Number of channels.</param>
internal readonly record struct DepthwiseShape(int Side, int KernelSide, int Channels);
