using Onward.Layers;

namespace Onward.Tests.Layers;

public sealed class GeluTests
{
    // From the definitions, computed with 40 digits.
    [Theory]
    [InlineData(-3, -0.00404969410, -0.00363739208)]
    [InlineData(-1, -0.15865525393, -0.15880800938)]
    [InlineData(0, 0, 0)]
    [InlineData(0.5f, 0.3457312306, 0.3457140098)]
    [InlineData(1, 0.8413447461, 0.8411919906)]
    [InlineData(4, 3.999873315, 3.999929754)]
    public void Values_meet_the_definitions(float x, double exact, double byTanh)
    {
        float[] y = new float[1];
        new Gelu().Apply([x], y, new float[1]);
        Assert.Equal(exact, y[0], 1e-6 * Math.Abs(exact));

        new Gelu(GeluApproximation.Tanh).Apply([x], y, new float[1]);
        Assert.Equal(byTanh, y[0], (1e-6 * Math.Abs(byTanh)) + (x < -2 ? 1e-8 : 0));
    }

    // The integral of the density by Simpson's rule, in float64.
    [Fact]
    public void The_exact_form_keeps_its_digits_in_the_tail()
    {
        float[] x = [.. Enumerable.Range(-1200, 1700).Select(i => i / 100f)], y = new float[x.Length];
        new Gelu().Apply(x, y, new float[x.Length]);

        for (int i = 0; i < x.Length; i++)
        {
            double expected = x[i] * ShareBelow(x[i]);
            Assert.True(Math.Abs(y[i] - expected) <= 2e-5 * Math.Abs(expected), $"{x[i]}: {y[i]} instead of {expected}");
        }
    }

    private static double ShareBelow(double x)
    {
        if (x > 0)
        {
            return 1 - ShareBelow(-x);
        }

        // exp(-x^2 / 2) times the integral of exp(x t - t^2 / 2) over t from 0 on.
        const int Parts = 4000;
        double step = 12.0 / Parts, sum = 0;
        for (int i = 0; i <= Parts; i++)
        {
            double t = i * step, weight = i is 0 or Parts ? 1 : i % 2 == 1 ? 4 : 2;
            sum += weight * Math.Exp((x * t) - (t * t / 2));
        }

        return Math.Exp(-x * x / 2) * sum * step / 3 / Math.Sqrt(2 * Math.PI);
    }
}
