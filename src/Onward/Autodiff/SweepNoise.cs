using System.Numerics;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>The noise of one sweep: layer 0 of the step's stream is for parameters, layer 1 + s for the s-th affine map.</summary>
internal sealed record SweepNoise(DirectionSet Directions, int Passes, RandomStream Stream)
{
    /// <summary>One direction over all parameters for each pass, [pass][dimension].</summary>
    public T[][] ForParameters<T>(int dimension)
        where T : struct, IFloatingPointIeee754<T>
    {
        T[] noise = new T[Passes * dimension];
        Directions.Draw<T>(Stream, noise, dimension);
        return [.. noise.Chunk(Math.Max(dimension, 1))];
    }

    /// <summary>Noise on the pre-activations [N, ...] of an affine map, independent for each example, one array for each pass.</summary>
    public DenseArray<T>[] ForActivities<T>(int site, int[] shape)
        where T : struct, IFloatingPointIeee754<T>
    {
        DenseArray<T>[] noise = new DenseArray<T>[Passes];
        for (int pass = 0; pass < Passes; pass++)
        {
            noise[pass] = DenseArray<T>.Zeros(shape);
        }

        int dimension = Shapes.Count(shape.AsSpan(1));
        T[] example = new T[Passes * dimension];
        for (int n = 0; n < shape[0]; n++)
        {
            Directions.Draw<T>(Stream with { Layer = (uint)(1 + site), Example = (uint)n }, example, dimension);
            for (int pass = 0; pass < Passes; pass++)
            {
                example.AsSpan(pass * dimension, dimension).CopyTo(noise[pass].Values.AsSpan(n * dimension));
            }
        }

        return noise;
    }
}
