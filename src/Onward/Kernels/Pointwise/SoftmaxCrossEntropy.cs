namespace Onward.Kernels;

/// <summary>Cross-entropy of a softmax with its gradient, one example at a time.</summary>
public static class SoftmaxCrossEntropy
{
    /// <summary>loss = log sum exp(logits) - logits[label]; error = softmax(logits) - onehot(label).</summary>
    /// <param name="logits">Logits [K].</param>
    /// <param name="label">The true class, 0 to K - 1.</param>
    /// <param name="error">Receives the gradient of the loss with respect to the logits [K]; may be <paramref name="logits"/>.</param>
    /// <returns>The loss, in nats; not a number where a logit is not one or is +infinity.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The label is no class.</exception>
    /// <exception cref="ArgumentException">The lengths differ.</exception>
    public static float Evaluate(ReadOnlySpan<float> logits, int label, Span<float> error)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(label);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(label, logits.Length);
        if (error.Length != logits.Length)
        {
            throw new ArgumentException(
                $"The error must have one number for each of {logits.Length} logits; got {error.Length}.", nameof(error));
        }

        float own = logits[label];
        (float largest, float sum) = Softmax.Apply(logits, error);
        error[label] -= 1;
        return Pointwise.Log(sum) - (own - largest);
    }
}
