using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// The law of the directions of one step. Each direction v has mean 0 and E[v vᵀ] = I, so that (∇·v) v has the gradient ∇
/// as its mean. All numbers are a pure function of the stream and their place.
/// </summary>
public abstract class DirectionSet
{
    /// <summary>Independent standard normals, as in the paper.</summary>
    public static DirectionSet Gaussian { get; } = new GaussianSet();

    /// <summary>Independent signs +1 and -1. Their fourth moment is 1 instead of 3, so an estimate varies a little less.</summary>
    public static DirectionSet Rademacher { get; } = new RademacherSet();

    /// <summary>
    /// Random directions at right angles to one another, each of length sqrt(d) in d dimensions, so that E[v vᵀ] = I still
    /// holds for each. The mean of (∇·v) v over d of them is ∇ itself; a step with more takes further sets.
    /// </summary>
    public static DirectionSet Orthogonal { get; } = new OrthogonalSet();

    /// <summary>Draws all directions of a step.</summary>
    /// <param name="stream">Names the noise; direction m takes pass m.</param>
    /// <param name="directions">Receives [direction, dimension]; holds anything before.</param>
    /// <param name="dimension">Numbers in one direction.</param>
    /// <typeparam name="T">float or double.</typeparam>
    public abstract void Draw<T>(RandomStream stream, Span<T> directions, int dimension)
        where T : struct, IFloatingPointIeee754<T>;

    private static void Normals<T>(RandomStream stream, int firstElement, Span<T> direction)
        where T : struct, IFloatingPointIeee754<T>
    {
        float[] noise = new float[direction.Length];
        CounterRandom.Normals(stream, (uint)firstElement, noise);
        TensorPrimitives.ConvertTruncating<float, T>(noise, direction);
    }

    private sealed class GaussianSet : DirectionSet
    {
        public override void Draw<T>(RandomStream stream, Span<T> directions, int dimension)
        {
            for (uint pass = 0; !directions.IsEmpty; pass++, directions = directions[dimension..])
            {
                Normals(stream with { Pass = pass }, 0, directions[..dimension]);
            }
        }
    }

    private sealed class RademacherSet : DirectionSet
    {
        public override void Draw<T>(RandomStream stream, Span<T> directions, int dimension)
        {
            float[] signs = new float[dimension];
            for (uint pass = 0; !directions.IsEmpty; pass++, directions = directions[dimension..])
            {
                CounterRandom.Signs(stream with { Pass = pass }, 0, signs);
                TensorPrimitives.ConvertTruncating<float, T>(signs, directions[..dimension]);
            }
        }
    }

    // Gram-Schmidt on Gaussians gives every orthonormal set the same chance. A draw that lies nearly in the span of the
    // earlier ones would lose its digits, so further elements of its stream replace it.
    private sealed class OrthogonalSet : DirectionSet
    {
        public override void Draw<T>(RandomStream stream, Span<T> directions, int dimension)
        {
            T smallest = T.CreateChecked(1e-3);
            for (int pass = 0; pass * dimension < directions.Length; pass++)
            {
                ReadOnlySpan<T> earlier = directions[(pass / dimension * dimension * dimension)..(pass * dimension)];
                Span<T> direction = directions.Slice(pass * dimension, dimension);
                T residual = T.Zero;
                for (int first = 0; residual < smallest; first += dimension)
                {
                    Normals(stream with { Pass = (uint)pass }, first, direction);
                    RemoveSpan(earlier, direction);
                    residual = TensorPrimitives.Norm<T>(direction);
                }

                TensorPrimitives.Divide(direction, residual, direction);
                RemoveSpan(earlier, direction);
                TensorPrimitives.Divide(direction, TensorPrimitives.Norm<T>(direction), direction);
            }

            TensorPrimitives.Multiply(directions, T.Sqrt(T.CreateChecked(dimension)), directions);
        }

        private static void RemoveSpan<T>(ReadOnlySpan<T> unitVectors, Span<T> direction)
            where T : struct, IFloatingPointIeee754<T>
        {
            for (; !unitVectors.IsEmpty; unitVectors = unitVectors[direction.Length..])
            {
                ReadOnlySpan<T> unit = unitVectors[..direction.Length];
                TensorPrimitives.MultiplyAdd(unit, -TensorPrimitives.Dot(unit, direction), direction, direction);
            }
        }
    }
}
