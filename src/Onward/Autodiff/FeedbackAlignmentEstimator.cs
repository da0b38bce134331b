using System.Collections.Concurrent;
using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Autodiff;

/// <summary>
/// Feedback alignment (Lillicrap et al. 2016; spec 4.3): as backprop, but the error passes each
/// <see cref="ForwardSweep{T}.Affine"/> through a fixed random matrix in place of the transposed weight. FA with a loss for
/// the whole network, LG-FA with blocks ended by <see cref="ForwardSweep{T}.EndBlock"/>.
/// </summary>
/// <remarks>
/// The matrix of a weight [p, q] holds N(0, 1/p), the usual scale of initial weights. It is a function of the seed, the
/// shape, and the place of the weight's name among the sorted names of all parameters. Everything but Affine is
/// differentiated exactly, so a weight read as <c>sweep["name"]</c> sends the error back through itself.
/// </remarks>
/// <typeparam name="T">float or double.</typeparam>
/// <param name="seed">Names the draw of the matrices.</param>
public sealed class FeedbackAlignmentEstimator<T>(ulong seed) : GradientEstimator<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly ConcurrentDictionary<(int Place, int Inputs, int Outputs), DenseArray<T>> _drawn = new();

    /// <summary>The matrix of the error's way back through the weight [p, q] whose name has this place: [q, p].</summary>
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
