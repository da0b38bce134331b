using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using Onward.Rules;
using Onward.Threads;
using Onward.Training;

namespace Onward.Tests.Training;

public sealed class LearningRateScanTests
{
    private static readonly TrainingOptions Options = new() { Epochs = 1, BatchSize = 8, LearningRate = 0.1, Seed = 3 };

    [Fact]
    public void Rates_rise_by_one_factor_and_losses_are_smoothed()
    {
        IReadOnlyList<ScannedRate> scan = Scan(1e-4, 1e-2, steps: 9);

        Assert.Equal(9, scan.Count);
        double sum = 0, weight = 0;
        for (int i = 0; i < scan.Count; i++)
        {
            (sum, weight) = ((0.8 * sum) + (0.2 * scan[i].Loss), (0.8 * weight) + 0.2);
            Assert.Equal(1e-4 * Math.Pow(100, i / 8.0), scan[i].LearningRate, 1e-12);
            Assert.Equal(sum / weight, scan[i].Smoothed, 1e-9);
        }

        // The first weights guess.
        Assert.Equal(Math.Log(10), scan[0].Loss, 1e-4);
    }

    // The lowest loss of a scan must be found where it is, not a large part of a decade later.
    [Fact]
    public void A_rise_of_the_loss_shows_within_a_few_steps()
    {
        IReadOnlyList<ScannedRate> scan = Scan(1e-3, 1e4, steps: 60);

        int lowest = scan.Index().MinBy(step => step.Item.Loss).Index, smoothed = scan.Index().MinBy(step => step.Item.Smoothed).Index;
        Assert.InRange(smoothed, lowest - 5, lowest + 5);
    }

    [Fact]
    public void It_ends_where_the_loss_shoots_up_and_repeats_itself()
    {
        IReadOnlyList<ScannedRate> scan = Scan(1e-3, 1e4, steps: 60), again = Scan(1e-3, 1e4, steps: 60, threads: 3);

        Assert.InRange(scan.Count, 10, 59);
        Assert.Equal(scan, again);
        Assert.True(!double.IsFinite(scan[^1].Loss) || scan[^1].Smoothed > 3 * scan.Min(step => step.Smoothed));
    }

    [Fact]
    public void The_suggestion_is_half_of_where_the_loss_is_lowest()
    {
        ScannedRate[] falls = [new(0.01, 2, 2), new(0.03, 1.5, 1.5), new(0.09, 1, 1), new(0.27, 9, 1.4), new(0.81, double.NaN, double.NaN)];

        Assert.Equal(0.045, LearningRateScan.Suggest(falls)!.Value, 1e-12);
        Assert.Null(LearningRateScan.Suggest([.. falls.Select(step => step with { Smoothed = 2 })]));
        Assert.Null(LearningRateScan.Suggest([new(0.01, double.NaN, double.NaN)]));
    }

    [Theory]
    [InlineData(0, 1, 10)]
    [InlineData(1, 1, 10)]
    [InlineData(0.1, double.PositiveInfinity, 10)]
    [InlineData(0.1, 1, 1)]
    public void A_range_that_is_none_is_refused(double lowest, double highest, int steps) =>
        Assert.ThrowsAny<ArgumentException>(() => Scan(lowest, highest, steps));

    private static IReadOnlyList<ScannedRate> Scan(double lowest, double highest, int steps, int threads = 2)
    {
        Network model = LocalMixer.Build(TrainedRun.SmallNetwork);
        model.Initialize(3);
        using WorkerTeam team = new(threads);
        TrainingStep training = new(model, new ForwardGradient(NoiseDistribution.Gaussian, LossScope.All, 1, seed: 3), team);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        return LearningRateScan.Run(training, TrainedRun.Digits(), Options, lowest, highest, steps, cancellation);
    }
}
