using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// The noise of one sweep. In the step's random stream, layer 0 belongs to the parameters, and layer 1 + s to affine map number
/// s.
/// </summary>
internal sealed record SweepNoise(NoiseDistribution Directions, int Passes, RandomStream Stream)
{
    /// <summary>Draws one direction over all parameters for each pass. [pass][dimension]</summary>
    public T[][] ForParameters<T>(int dimension)
        where T : struct, IFloatingPointIeee754<T>
    {
        T[][] noise = new T[Passes][];
        for (int pass = 0; pass < Passes; pass++)
        {
            noise[pass] = new T[dimension];
            Draw<T>(Stream, pass, noise[pass]);
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
            noise[pass] = DenseArray<T>.Zeros(shape);
            for (int n = 0; n < shape[0]; n++)
            {
                Draw(
                    Stream with { Layer = (uint)(1 + site), Example = (uint)n }, pass, noise[pass].Values.AsSpan(n * dimension, dimension));
            }
        }

        return noise;
    }

    private void Draw<T>(RandomStream stream, int pass, Span<T> direction)
        where T : struct, IFloatingPointIeee754<T>
    {
        float[] drawn = new float[direction.Length];
        Directions.Draw(stream with { Pass = (uint)pass }, 0, drawn);
        TensorPrimitives.ConvertTruncating<float, T>(drawn, direction);
    }
}
