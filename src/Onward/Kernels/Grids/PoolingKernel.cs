using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Onward.Kernels;

/// <summary>
/// The mean or the largest number of each channel in the windows of a grid, of one example [positions, channels]. Every window has a place
/// on the grid. Places are taken row by row; of equal numbers, the first counts as the largest.
/// </summary>
/// <param name="grid">The windows.</param>
/// <param name="channels">Channels at each position.</param>
internal readonly struct PoolingKernel(WindowGrid grid, int channels)
{
    private const int Lanes = 16;

    /// <summary>Computes the sum of each window, divided by a number of places.</summary>
    /// <param name="input">Values [positions, channels].</param>
    /// <param name="output">Receives [windows, channels].</param>
    /// <param name="places">The divisor; 0 for the places of the window that lie on the grid.</param>
    internal void Average(ReadOnlySpan<float> input, Span<float> output, int places)
    {
        for (int w = 0; w < grid.Count; w++)
        {
            WindowGrid.Window window = grid[w];
            Span<float> sum = output.Slice(w * channels, channels);
            Row(input, First(window)).CopyTo(sum);
            for (int i = 1; i < window.Count; i++)
            {
                TensorPrimitives.Add(sum, Row(input, Place(window, i)), sum);
            }

            TensorPrimitives.Multiply(sum, 1f / (places == 0 ? window.Count : places), sum);
        }
    }

    /// <summary>Carries a gradient back through <see cref="Average"/>.</summary>
    /// <param name="gradient">The gradient of the output [windows, channels].</param>
    /// <param name="result">Receives the gradient of the input [positions, channels].</param>
    /// <param name="places">The divisor, as for the values.</param>
    internal void AverageTranspose(ReadOnlySpan<float> gradient, Span<float> result, int places)
    {
        result.Clear();
        for (int w = 0; w < grid.Count; w++)
        {
            WindowGrid.Window window = grid[w];
            float share = 1f / (places == 0 ? window.Count : places);
            for (int i = 0; i < window.Count; i++)
            {
                Span<float> sum = result.Slice(Place(window, i) * channels, channels);
                TensorPrimitives.MultiplyAdd(Row(gradient, w), share, sum, sum);
            }
        }
    }

    /// <summary>Computes the largest number of each window.</summary>
    /// <param name="input">Values [positions, channels].</param>
    /// <param name="output">Receives [windows, channels].</param>
    internal void Maximum(ReadOnlySpan<float> input, Span<float> output)
    {
        for (int w = 0; w < grid.Count; w++)
        {
            WindowGrid.Window window = grid[w];
            Span<float> largest = output.Slice(w * channels, channels);
            Row(input, First(window)).CopyTo(largest);
            for (int i = 1; i < window.Count; i++)
            {
                TensorPrimitives.Max(largest, Row(input, Place(window, i)), largest);
            }
        }
    }

    /// <summary>Computes the tangent of <see cref="Maximum"/>: the tangent of the largest number of each window.</summary>
    /// <param name="input">Values [positions, channels].</param>
    /// <param name="tangent">Their tangent.</param>
    /// <param name="result">Receives [windows, channels].</param>
    /// <param name="workspace">At least as many floats as channels.</param>
    internal void MaximumTangent(ReadOnlySpan<float> input, ReadOnlySpan<float> tangent, Span<float> result, Span<float> workspace)
    {
        Span<float> largest = workspace[..channels];
        for (int w = 0; w < grid.Count; w++)
        {
            WindowGrid.Window window = grid[w];
            Span<float> carried = result.Slice(w * channels, channels);
            Row(input, First(window)).CopyTo(largest);
            Row(tangent, First(window)).CopyTo(carried);
            for (int i = 1; i < window.Count; i++)
            {
                int place = Place(window, i);
                TakeLarger(Row(input, place), Row(tangent, place), largest, carried);
            }
        }
    }

    /// <summary>Carries a gradient back through <see cref="Maximum"/>, to the largest number of each window.</summary>
    /// <param name="input">Values [positions, channels].</param>
    /// <param name="gradient">The gradient of the output [windows, channels].</param>
    /// <param name="result">Receives the gradient of the input [positions, channels].</param>
    internal void MaximumTranspose(ReadOnlySpan<float> input, ReadOnlySpan<float> gradient, Span<float> result)
    {
        result.Clear();
        for (int w = 0; w < grid.Count; w++)
        {
            WindowGrid.Window window = grid[w];
            for (int c = 0; c < channels; c++)
            {
                int largest = First(window);
                for (int i = 1; i < window.Count; i++)
                {
                    int place = Place(window, i);
                    largest = input[(place * channels) + c] > input[(largest * channels) + c] ? place : largest;
                }

                result[(largest * channels) + c] += gradient[(w * channels) + c];
            }
        }
    }

    // Where x is larger than the largest number so far, x and its tangent take their places.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TakeLarger(ReadOnlySpan<float> x, ReadOnlySpan<float> tangent, Span<float> largest, Span<float> carried)
    {
        int i = 0;
        for (; i <= x.Length - Lanes; i += Lanes)
        {
            Vector512<float> value = Vector512.Create(x.Slice(i, Lanes));
            Vector512<float> before = Vector512.Create((ReadOnlySpan<float>)largest.Slice(i, Lanes));
            Vector512<float> larger = Vector512.GreaterThan(value, before);
            Vector512.ConditionalSelect(larger, value, before).CopyTo(largest.Slice(i, Lanes));
            Vector512.ConditionalSelect(
                larger, Vector512.Create(tangent.Slice(i, Lanes)), Vector512.Create((ReadOnlySpan<float>)carried.Slice(i, Lanes)))
                .CopyTo(carried.Slice(i, Lanes));
        }

        for (; i < x.Length; i++)
        {
            if (x[i] > largest[i])
            {
                (largest[i], carried[i]) = (x[i], tangent[i]);
            }
        }
    }

    private ReadOnlySpan<float> Row(ReadOnlySpan<float> values, int row) => values.Slice(row * channels, channels);

    private int First(in WindowGrid.Window window) =>
        ((window.Top + window.FirstRow) * grid.Width) + window.Left + window.FirstColumn;

    // The position of a place of the window, counted row by row among those on the grid.
    private int Place(in WindowGrid.Window window, int i)
    {
        int columns = window.EndColumn - window.FirstColumn;
        return First(window) + (i / columns * grid.Width) + (i % columns);
    }
}
