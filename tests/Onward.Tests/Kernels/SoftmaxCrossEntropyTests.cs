using Onward.Kernels;

namespace Onward.Tests.Kernels;

public sealed class SoftmaxCrossEntropyTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(17)]
    [InlineData(1000)]
    public void Loss_and_error_meet_the_formula(int classes)
    {
        float[] logits = [.. Numbers.Uniform(classes, classes).Select(v => 5 * v)], error = Numbers.Filled(classes, float.NaN);
        foreach (int label in (int[])[0, classes / 2, classes - 1])
        {
            float loss = SoftmaxCrossEntropy.Evaluate(logits, label, error);

            double expected = Loss(Numbers.Widen(logits), label);
            double[] softmax =
            [
                .. Enumerable.Range(0, classes).Select(k => Math.Exp(-Loss(Numbers.Widen(logits), k)) - (k == label ? 1 : 0)),
            ];
            Tolerance.Near(expected, loss, Tolerance.Kernel, expected, "loss");
            Tolerance.Near(softmax, error, Tolerance.Kernel, "error");
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(100)]
    public void Error_is_the_derivative_of_the_loss(int classes)
    {
        const double Step = 1e-4;
        float[] logits = Numbers.Uniform(classes, classes), error = new float[classes];
        int label = classes - 1;

        SoftmaxCrossEntropy.Evaluate(logits, label, error);

        // Central differences in float64 are good to about h^2 = 1e-8, below the kernel's own roundings.
        double[] expected = new double[classes];
        for (int k = 0; k < classes; k++)
        {
            double[] at = Numbers.Widen(logits);
            at[k] += Step;
            double above = Loss(at, label);
            at[k] -= 2 * Step;
            expected[k] = (above - Loss(at, label)) / (2 * Step);
        }

        Tolerance.Near(expected, error, Tolerance.Kernel, "error");
    }

    [Fact]
    public void Error_may_take_the_place_of_the_logits()
    {
        float[] logits = Numbers.Uniform(1, 10), error = new float[10];

        float loss = SoftmaxCrossEntropy.Evaluate(logits, 3, error);

        Assert.Equal(loss, SoftmaxCrossEntropy.Evaluate(logits, 3, logits));
        Tolerance.Same(error, logits, "error");
    }

    [Fact]
    public void Equal_logits_give_the_logarithm_of_the_number_of_classes()
    {
        Tolerance.Near(
            Math.Log(10), SoftmaxCrossEntropy.Evaluate(Numbers.Filled(10, -3), 4, new float[10]), Tolerance.Chain(1), Math.Log(10), "loss");
    }

    [Fact]
    public void Extreme_logits_give_exact_losses()
    {
        float[] error = new float[3];

        Assert.Equal(20000, SoftmaxCrossEntropy.Evaluate([1e4f, 0, -1e4f], 2, error));
        Assert.Equal([1, 0, -1], error);
        Assert.Equal(0, SoftmaxCrossEntropy.Evaluate([1e4f, 0, -1e4f], 0, error));
        Assert.Equal([0, 0, 0], error);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Logit_that_is_not_finite_makes_the_loss_not_a_number(float bad)
    {
        for (int k = 0; k < 20; k++)
        {
            float[] logits = Numbers.Uniform(2, 20);
            logits[k] = bad;

            Assert.True(float.IsNaN(SoftmaxCrossEntropy.Evaluate(logits, 7, new float[20])), $"{bad} at {k}");
        }
    }

    [Fact]
    public void Rejects_labels_outside_the_classes()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => SoftmaxCrossEntropy.Evaluate(new float[10], -1, new float[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => SoftmaxCrossEntropy.Evaluate(new float[10], 10, new float[10]));
        Assert.Throws<ArgumentOutOfRangeException>(() => SoftmaxCrossEntropy.Evaluate([], 0, []));
    }

    [Fact]
    public void Rejects_an_error_of_another_length()
    {
        Assert.Throws<ArgumentException>(() => SoftmaxCrossEntropy.Evaluate(new float[10], 0, new float[9]));
        Assert.Throws<ArgumentException>(() => SoftmaxCrossEntropy.Evaluate(new float[10], 0, new float[11]));
    }

    private static double Loss(double[] logits, int label)
    {
        double largest = logits.Max();
        return Math.Log(logits.Sum(v => Math.Exp(v - largest))) + largest - logits[label];
    }
}
