using Onward.Optimizers;

namespace Onward.Tests.Optimizers;

public sealed class AdamWTests
{
    // 37 numbers: two whole vectors and a rest.
    private const int Length = 37;

    [Theory]
    [InlineData(0.9, 0.999, 0.01, true)]
    [InlineData(0.9, 0.999, 0.01, false)]
    [InlineData(0, 0.95, 0.3, true)]
    [InlineData(0.8, 0, 0, true)]
    public void Steps_meet_the_rule(double beta1, double beta2, double weightDecay, bool decay)
    {
        AdamW adam = new(beta1, beta2, weightDecay);
        float[] values = Numbers.Uniform(1, Length), means = new float[Length], squares = new float[Length];
        double[] w = Numbers.Widen(values), m = new double[Length], s = new double[Length];
        for (int step = 1; step <= 6; step++)
        {
            float[] gradients = Numbers.Uniform(10 + step, Length);
            double rate = 0.1 / step;
            for (int i = 0; i < Length; i++)
            {
                double g = gradients[i];
                m[i] = (beta1 * m[i]) + ((1 - beta1) * g);
                s[i] = (beta2 * s[i]) + ((1 - beta2) * g * g);
                double mean = m[i] / (1 - Math.Pow(beta1, step)), square = s[i] / (1 - Math.Pow(beta2, step));
                w[i] -= rate * ((mean / (Math.Sqrt(square) + 1e-8)) + (decay ? weightDecay * w[i] : 0));
            }

            adam.Update(new(values, gradients, means, squares, step), rate, decay);

            Tolerance.Near(m, means, Tolerance.Kernel, $"mean gradients after step {step}");
            Tolerance.Near(s, squares, Tolerance.Kernel, $"mean squared gradients after step {step}");
            Tolerance.Near(w, values, Tolerance.Kernel, $"values after step {step}");
        }
    }

    // Four steps of torch.optim.AdamW of PyTorch 1.13 at a rate of 0.1, with its defaults.
    [Fact]
    public void Steps_meet_those_of_PyTorch()
    {
        float[][] gradients = [[0.1f, -2, 0.003f], [-0.4f, 1.5f, 0.002f], [0.25f, -0.125f, -0.001f], [1, 0.5f, 0]];
        float[][] expected =
        [
            [0.399500012f, -1.14874995f, 1.89800036f],
            [0.455050856f, -1.13866878f, 1.79906762f],
            [0.45843932f, -1.12744117f, 1.74207973f],
            [0.406993181f, -1.12960756f, 1.69513035f],
        ];
        AdamW adam = new();
        float[] values = [0.5f, -1.25f, 2], means = new float[3], squares = new float[3];
        for (int step = 0; step < gradients.Length; step++)
        {
            adam.Update(new(values, gradients[step], means, squares, step + 1), 0.1, decay: true);

            Tolerance.Near(expected[step], values, Tolerance.Kernel, $"values after step {step + 1}");
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    [InlineData(23)]
    public void A_parameter_may_be_cut_anywhere(int cut)
    {
        AdamW adam = new();
        float[] whole = Numbers.Uniform(1, Length), parts = [.. whole], gradients = Numbers.Uniform(2, Length);
        float[] means = new float[Length], squares = new float[Length], partMeans = new float[Length], partSquares = new float[Length];
        for (int step = 1; step <= 3; step++)
        {
            adam.Update(new(whole, gradients, means, squares, step), 0.1, true);
            foreach (Range range in new[] { ..cut, cut.. })
            {
                adam.Update(
                    new(parts.AsSpan(range), gradients.AsSpan(range), partMeans.AsSpan(range), partSquares.AsSpan(range), step), 0.1, true);
            }
        }

        Tolerance.Same(whole, parts, "values");
        Tolerance.Same(squares, partSquares, "mean squared gradients");
    }

    [Fact]
    public void A_gradient_of_0_leaves_a_bias_as_it_is()
    {
        float[] values = Numbers.Uniform(1, Length), before = [.. values];

        new AdamW().Update(new(values, new float[Length], new float[Length], new float[Length]), 0.1, decay: false);

        Assert.Equal(before, values);
    }

    [Fact]
    public void Rejects_a_state_without_squares() =>
        Assert.Contains(
            "3 values need as many mean squared gradients; got 0",
            Assert.Throws<ArgumentException>(() => new AdamW().Update(new(new float[3], new float[3], new float[3]), 1, true)).Message,
            StringComparison.Ordinal);
}
