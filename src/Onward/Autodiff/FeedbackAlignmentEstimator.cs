using System.Collections.Concurrent;
using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// Feedback alignment (Lillicrap et al. 2016): backpropagation whose error passes each
/// <see cref="ForwardSweep{T}.Affine"/> through a fixed random matrix instead of the transposed weight.
/// </summary>
/// <remarks>
/// It is FA with a loss for the whole network, and LG-FA with blocks that end with <see cref="ForwardSweep{T}.EndBlock"/>. The
/// feedback matrix of a weight [p, q] has entries from N(0, 1/p), the usual scale of initial weights. It depends only on the
/// seed, the shape, and the position of the weight's name among the sorted parameter names. Every operation except Affine is
/// differentiated exactly. So a weight that is read as <c>sweep["name"]</c> sends the error back through its own transpose.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="seed">Seed of the feedback matrices.</param>
public sealed class FeedbackAlignmentEstimator<T>(ulong seed) : GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly ConcurrentDictionary<(int Place, int Inputs, int Outputs), DenseArray<T>> _drawn = new();

    /// <summary>The feedback matrix [q, p] of a weight [p, q], given the position of its name among the sorted parameter names.</summary>
    internal DenseArray<T> Feedback(int place, int inputs, int outputs) => _drawn.GetOrAdd((place, inputs, outputs), of =>
    {
        T[] weight = new T[of.Inputs * of.Outputs];
        float[] normals = new float[weight.Length];
        CounterRandom.Normals(new(seed, RandomPurpose.Feedback, Layer: (uint)of.Place), 0, normals);
        TensorPrimitives.ConvertTruncating<float, T>(normals, weight);
        TensorPrimitives.Divide(weight, T.Sqrt(T.CreateChecked(of.Inputs)), weight);
        return new DenseArray<T>([of.Inputs, of.Outputs], weight).TransposeMatrices();
    });

    private protected override ForwardSweep<T> Begin(IReadOnlyDictionary<string, Tensor<T>> parameters, uint step)
    {
        string[] names = [.. parameters.Keys.Order(StringComparer.Ordinal)];
        return new RecordingSweep<T>(
            parameters, (weight, shape) => Feedback(Array.BinarySearch(names, weight, StringComparer.Ordinal), shape[0], shape[1]));
    }
}
