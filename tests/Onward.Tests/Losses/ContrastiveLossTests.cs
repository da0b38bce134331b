using Onward.Communication;
using Onward.Kernels;
using Onward.Losses;
using Onward.Rules;

namespace Onward.Tests.Losses;

/// <summary>The loss that compares views, against its definition in float64 and its central differences.</summary>
public sealed class ContrastiveLossTests
{
    private const int Width = 5;
    private const double Temperature = 0.3;
    private const double Step = 1e-5;

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(150)]
    public void Contrastive_loss_and_gradient_are_those_of_the_definition(int examples)
    {
        ContrastiveLoss loss = new(Width, Temperature);

        double[][] vectors = Evaluate(loss, examples);

        double[][] keys = [.. vectors.Select(Unit)];
        for (int n = 0; n < examples; n++)
        {
            Tolerance.Near([Contrast(vectors[n], n, keys)], [loss.Losses[n]], Tolerance.Network, "loss", Math.Log(examples));
            double[] expected = Differences(vectors[n], anchor => Contrast(anchor, n, keys) / examples);
            Tolerance.Near(expected, Gradient(loss, n), Tolerance.Network, $"gradient of example {n}", 1.0 / examples);
        }

        int[] nearest =
        [
            .. vectors.Select((vector, n) => Enumerable.Range(0, examples).Where(m => m != n).MaxBy(m => Dot(Unit(vector), keys[m]))),
        ];
        Assert.Equal(nearest.Select((m, n) => m != (n + (examples / 2)) % examples), loss.Mistakes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(double.NaN)]
    public void Losses_out_of_range_are_refused(double temperature)
    {
        TrainingLoss loss = new() { Temperature = temperature };
        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(BackwardScope.LocalLosses, loss: loss));
    }

    [Fact]
    public void A_vector_of_zeros_has_no_direction_and_finite_gradients()
    {
        ContrastiveLoss loss = new(Width, Temperature);
        loss.Reserve(BatchShare.Whole, 4, views: 1);
        loss.Compared.Span.Clear();
        loss.Compared.Span[..Width].Fill(1);

        loss.Evaluate();

        Assert.All(loss.Losses, value => Assert.True(float.IsFinite(value)));
        Assert.All(loss.Gradients.ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_smaller_batch_after_a_larger_one_is_evaluated_alone()
    {
        ContrastiveLoss used = new(Width, Temperature), fresh = new(Width, Temperature);
        Evaluate(used, 30);

        Evaluate(used, 8);
        Evaluate(fresh, 8);

        Assert.Equal(fresh.Losses, used.Losses[..8]);
        Assert.Equal(fresh.Gradients.ToArray(), used.Gradients.ToArray());
    }

    private static double[][] Evaluate(ContrastiveLoss loss, int examples)
    {
        loss.Reserve(BatchShare.Whole, examples, views: 1);
        CounterRandom.Normals(new RandomStream(4, RandomPurpose.Data), 0, loss.Compared.Span);
        double[][] vectors = [.. loss.Compared.ToArray().Select(value => (double)value).Chunk(Width)];
        loss.Evaluate();
        return vectors;
    }

    private static float[] Gradient(ContrastiveLoss loss, int n) => loss.Gradients.Slice(n * Width, Width).ToArray();

    private static double Contrast(double[] vector, int n, double[][] keys)
    {
        double[] logits = [.. keys.Select(key => Dot(Unit(vector), key) / Temperature)];
        return Math.Log(logits.Where((_, m) => m != n).Sum(Math.Exp)) - logits[(n + (keys.Length / 2)) % keys.Length];
    }

    private static double[] Differences(double[] at, Func<double[], double> loss) =>
        [.. at.Select((_, i) => (loss(Moved(at, i, Step)) - loss(Moved(at, i, -Step))) / (2 * Step))];

    private static double[] Moved(double[] x, int at, double by) => [.. x.Select((value, i) => i == at ? value + by : value)];

    private static double[] Unit(double[] x) => [.. x.Select(value => value / Math.Sqrt(Dot(x, x)))];

    private static double Dot(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();
}
