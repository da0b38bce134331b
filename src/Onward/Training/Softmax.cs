using System.Numerics.Tensors;

namespace Onward.Training;

/// <summary>The probabilities that logits stand for.</summary>
internal static class Softmax
{
    /// <summary>Replaces the logits of one example by exp(logits) / sum exp(logits).</summary>
    internal static void Apply(Span<float> logits)
    {
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max<float>(logits), logits);
        TensorPrimitives.Exp(logits, logits);
        TensorPrimitives.Divide(logits, TensorPrimitives.Sum<float>(logits), logits);
    }
}
