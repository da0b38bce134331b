using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Learning;

/// <summary>
/// NT-Xent (Chen et al. 2020; spec 3.5, 5): the two views of an image should find each other among all views of the batch.
/// The first half of the batch are the first views, the second half the second views of the same images.
/// </summary>
/// <remarks>
/// The views that an anchor is compared with (the keys) are constants: no derivative goes to or through them. Without
/// that, perturbation methods fail to reduce the loss (paper, section 4).
/// </remarks>
/// <param name="width">Numbers of a projection.</param>
/// <param name="temperature">What cosines are divided by.</param>
internal sealed class ContrastiveLoss(int width, double temperature) : BatchLoss(width)
{
    // The logit of a view with itself.
    private const float Excluded = -1e9f;

    private readonly float _scale = (float)(1 / temperature);

    private protected override float Differentiate(int example, ReadOnlySpan<int> labels, Span<float> cosines, ref bool mistaken)
    {
        int partner = (example + (Examples / 2)) % Examples;
        TensorPrimitives.Multiply(cosines, _scale, cosines);
        cosines[example] = Excluded;
        mistaken = TensorPrimitives.IndexOfMax<float>(cosines) != partner;
        float loss = SoftmaxCrossEntropy.Evaluate(cosines, partner, cosines);
        TensorPrimitives.Multiply(cosines, _scale / Examples, cosines);
        return loss;
    }
}
