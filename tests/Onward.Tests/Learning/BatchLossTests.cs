using Onward.Communication;
using Onward.Kernels;
using Onward.Learning;
using Onward.Threads;

namespace Onward.Tests.Learning;

/// <summary>Losses that compare examples, against their definition in float64 and its central differences.</summary>
public sealed class BatchLossTests
{
    private const int Width = 5;
    private const int Classes = 3;
    private const double Temperature = 0.3;
    private const double Step = 1e-5;

    [Theory]
    [InlineData(2)]
    [InlineData(10)]
    [InlineData(150)]
    public void Contrastive_loss_and_gradient_are_those_of_the_definition(int examples)
    {
        ContrastiveLoss loss = new(Width, Temperature);

        double[][] vectors = Evaluate(loss, examples, Labels(examples));

        double[][] keys = [.. vectors.Select(Unit)];
        for (int n = 0; n < examples; n++)
        {
            Tolerance.Near([Contrast(vectors[n], n, keys)], [loss.Losses[n]], Tolerance.Network, "loss", Math.Log(examples));
            double[] expected = Differences(vectors[n], anchor => Contrast(anchor, n, keys) / examples);
            Tolerance.Near(expected, Gradient(loss, n), Tolerance.Network, $"gradient of example {n}", 1.0 / examples);
        }

        int[] nearest = [.. vectors.Select((vector, n) => Enumerable.Range(0, examples).Where(m => m != n).MaxBy(m => Dot(Unit(vector), keys[m])))];
        Assert.Equal(nearest.Select((m, n) => m != (n + (examples / 2)) % examples), loss.Mistakes);
    }

    // Here no example is held fixed: each counts in the losses of the others.
    [Theory]
    [InlineData(2)]
    [InlineData(9)]
    [InlineData(70)]
    public void Similarity_loss_and_gradient_are_those_of_the_definition(int examples)
    {
        SimilarityLoss loss = new(Width, Classes);
        int[] labels = Labels(examples);

        double[][] vectors = Evaluate(loss, examples, labels);

        double Mean(double[][] all) => Enumerable.Range(0, examples).Average(n => Similarity(all, n, labels));
        for (int n = 0; n < examples; n++)
        {
            Tolerance.Near([Similarity(vectors, n, labels)], [loss.Losses[n]], Tolerance.Network, "loss");
            double[] expected = Differences(vectors[n], changed => Mean([.. vectors.Select((vector, m) => m == n ? changed : vector)]));
            Tolerance.Near(expected, Gradient(loss, n), Tolerance.Network, $"gradient of example {n}", 1.0 / examples);
        }
    }

    [Fact]
    public void Rules_without_local_losses_refuse_to_match_similarities()
    {
        SmallNetwork network = new();
        TrainingLoss loss = new() { SimilarityWeight = 0.5 };
        using WorkerTeam team = new(1);

        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.Readout, loss: loss));
        Assert.Throws<ArgumentException>(() => new DirectFeedbackAlignment(network.Model, team, seed: 1, loss));
        Assert.Throws<ArgumentException>(() => new ForwardGradient(network.Model, team, NoiseDistribution.Gaussian, LossScope.Global, 1, seed: 1, loss: loss));
        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(new SmallNetwork(projection: 4).Model, team, BackwardScope.LocalLosses, loss: loss));
    }

    [Theory]
    [InlineData(-0.1, 0.5)]
    [InlineData(1.1, 0.5)]
    [InlineData(0, 0)]
    [InlineData(0, double.NaN)]
    public void Losses_out_of_range_are_refused(double similarity, double temperature)
    {
        SmallNetwork network = new();
        using WorkerTeam team = new(1);

        Assert.Throws<ArgumentException>(() => Backpropagation.ThroughWeights(network.Model, team, BackwardScope.LocalLosses, loss: new TrainingLoss { SimilarityWeight = similarity, Temperature = temperature }));
    }

    [Fact]
    public void A_vector_of_zeros_has_no_direction_and_finite_gradients()
    {
        ContrastiveLoss loss = new(Width, Temperature);
        loss.Reserve(BatchShare.Whole, 4, views: 1);
        loss.Compared.Span.Clear();
        loss.Compared.Span[..Width].Fill(1);

        loss.Evaluate([0, 0, 0, 0]);

        Assert.All(loss.Losses, value => Assert.True(float.IsFinite(value)));
        Assert.All(loss.Gradients.ToArray(), value => Assert.True(float.IsFinite(value)));
    }

    [Fact]
    public void A_smaller_batch_after_a_larger_one_is_evaluated_alone()
    {
        ContrastiveLoss used = new(Width, Temperature), fresh = new(Width, Temperature);
        Evaluate(used, 30, Labels(30));

        Evaluate(used, 8, Labels(8));
        Evaluate(fresh, 8, Labels(8));

        Assert.Equal(fresh.Losses, used.Losses[..8]);
        Assert.Equal(fresh.Gradients.ToArray(), used.Gradients.ToArray());
    }

    private static double[][] Evaluate(BatchLoss loss, int examples, int[] labels)
    {
        loss.Reserve(BatchShare.Whole, examples, views: 1);
        CounterRandom.Normals(new RandomStream(4, RandomPurpose.Data), 0, loss.Compared.Span);
        double[][] vectors = [.. loss.Compared.ToArray().Select(value => (double)value).Chunk(Width)];
        loss.Evaluate(labels);
        return vectors;
    }

    private static int[] Labels(int examples) => [.. Enumerable.Range(0, examples).Select(n => n * n % Classes)];

    private static float[] Gradient(BatchLoss loss, int n) => loss.Gradients.Slice(n * Width, Width).ToArray();

    private static double Contrast(double[] vector, int n, double[][] keys)
    {
        double[] logits = [.. keys.Select(key => Dot(Unit(vector), key) / Temperature)];
        return Math.Log(logits.Where((_, m) => m != n).Sum(Math.Exp)) - logits[(n + (keys.Length / 2)) % keys.Length];
    }

    private static double Similarity(double[][] vectors, int n, int[] labels)
    {
        double[][] units = [.. vectors.Select(vector => Unit([.. vector.Select(value => value - vector.Average())]))];
        return units.Select((unit, m) => Math.Pow(Dot(units[n], unit) - (labels[n] == labels[m] ? 1 : -1.0 / (Classes - 1)), 2)).Average();
    }

    private static double[] Differences(double[] at, Func<double[], double> loss) =>
        [.. at.Select((_, i) => (loss(Moved(at, i, Step)) - loss(Moved(at, i, -Step))) / (2 * Step))];

    private static double[] Moved(double[] x, int at, double by) => [.. x.Select((value, i) => i == at ? value + by : value)];

    private static double[] Unit(double[] x) => [.. x.Select(value => value / Math.Sqrt(Dot(x, x)))];

    private static double Dot(double[] x, double[] y) => x.Zip(y, (a, b) => a * b).Sum();
}
