using System.Numerics.Tensors;

namespace Onward.Learning;

/// <summary>
/// Similarity matching (Nøkland and Eidnes 2019): the cosine of two examples' features, each centred over its channels,
/// should be that of their labels, centred in the same way: 1 in one class, -1 / (K - 1) in two. The loss of an example is
/// the mean square of what its cosines miss.
/// </summary>
/// <remarks>
/// The pooled features are compared as they are, without the further layer of the published method. An example's cosines
/// count in the losses of the others too: by symmetry that doubles its gradient, which is exact.
/// </remarks>
/// <param name="width">Channels, D.</param>
/// <param name="classes">Classes, K.</param>
internal sealed class SimilarityLoss(int width, int classes) : BatchLoss(width)
{
    private readonly float _different = -1f / (classes - 1);

    private protected override void Center(Span<float> vector) =>
        TensorPrimitives.Subtract(vector, TensorPrimitives.Sum<float>(vector) / vector.Length, vector);

    private protected override float Differentiate(int example, ReadOnlySpan<int> labels, Span<float> cosines, ref bool mistaken)
    {
        int label = labels[example];
        for (int m = 0; m < cosines.Length; m++)
        {
            cosines[m] -= labels[m] == label ? 1 : _different;
        }

        float loss = TensorPrimitives.SumOfSquares<float>(cosines) / Examples;
        TensorPrimitives.Multiply(cosines, 4f / Examples / Examples, cosines);
        return loss;
    }
}
