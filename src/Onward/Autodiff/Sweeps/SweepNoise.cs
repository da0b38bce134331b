using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// The noise of one sweep. In the step's random stream, layer 0 belongs to the parameters, and layer 1 + s to affine map number
/// s.
/// </summary>
internal sealed record SweepNoise(NoiseDistribution Directions, int Passes, RandomStream Stream)
{
    /// <summary>Draws the noise of one parameter: one array for each pass.</summary>
    /// <param name="first">Place of the parameter's first number among the numbers of all parameters.</param>
    /// <param name="shape">Shape of the parameter.</param>
    public DenseArray<T>[] ForParameter<T>(int first, int[] shape)
        where T : struct, IFloatingPointIeee754<T>
    {
        DenseArray<T>[] noise = new DenseArray<T>[Passes];
        for (int pass = 0; pass < Passes; pass++)
        {
            T[] numbers = new T[Shapes.Count(shape)];
            Draw<T>(Stream, pass, first, numbers);
            noise[pass] = new(shape, numbers);
        }

        return noise;
    }

    /// <summary>
    /// Draws noise for the pre-activations [N, ...] of an affine map, independently for each example: one array for each pass.
    /// </summary>
    public DenseArray<T>[] ForActivities<T>(int site, int[] shape)
        where T : struct, IFloatingPointIeee754<T>
    {
        DenseArray<T>[] noise = new DenseArray<T>[Passes];
        int dimension = Shapes.Count(shape.AsSpan(1));
        for (int pass = 0; pass < Passes; pass++)
        {
            T[] numbers = new T[shape[0] * dimension];
            for (int n = 0; n < shape[0]; n++)
            {
                Draw(Stream with { Layer = (uint)(1 + site), Example = (uint)n }, pass, 0, numbers.AsSpan(n * dimension, dimension));
            }

            noise[pass] = new(shape, numbers);
        }

        return noise;
    }

    private void Draw<T>(RandomStream stream, int pass, int first, Span<T> direction)
        where T : struct, IFloatingPointIeee754<T>
    {
        stream = stream with { Pass = (uint)pass };
        if (typeof(T) == typeof(float))
        {
            Directions.Draw(stream, first, MemoryMarshal.Cast<T, float>(direction));
            return;
        }

        float[] drawn = new float[direction.Length];
        Directions.Draw(stream, first, drawn);
        TensorPrimitives.ConvertTruncating<float, T>(drawn, direction);
    }
}
