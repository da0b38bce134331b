using Onward.Kernels;
using Onward.Laboratory;
using Onward.Threads;

namespace Onward.Tests.Laboratory;

/// <summary>Compares the variance of every estimator of a linear layer with the paper's Table 1.</summary>
public sealed class LinearLayerExperimentTests
{
    private static readonly LinearLayerOptions Small = new() { FanIn = 6, FanOut = 4, Examples = 8, Draws = 24_000, Seed = 1 };

    private static readonly LinearLayerOptions Wide =
        new() { FanIn = 12, FanOut = 16, Examples = 5, Draws = 12_000, Seed = 2, Mean = 0.5f };

    public static TheoryData<LinearLayerOptions> Layers =>
    [
        Small,
        Wide,
        Small with { Noise = NoiseDistribution.Rademacher },
        Small with { Passes = 3 },
        Wide with { Passes = 2, Noise = NoiseDistribution.Rademacher },
    ];

    [Theory]
    [MemberData(nameof(Layers), DisableDiscoveryEnumeration = true)]
    public void Variances_are_those_of_the_closed_forms_and_means_those_of_the_gradient(LinearLayerOptions options)
    {
        IReadOnlyList<LinearLayerEstimate> estimates = Run(options);

        Assert.Equal(LinearLayerExperiment.Estimators, estimates.Select(estimate => estimate.Estimator));
        foreach (LinearLayerEstimate estimate in estimates)
        {
            EstimateQuality measured = estimate.Measured;
            string what = $"{estimate.Estimator}: {measured.Variance:G5} +- {measured.VarianceError:G2} instead of {estimate.Theory:G5}";
            Assert.True(Math.Abs((measured.Variance / estimate.Theory) - 1) < Tolerance.TheoryRatio, what);
            Assert.True(Math.Abs(measured.Variance - estimate.Theory) < Tolerance.StandardErrors * measured.VarianceError, what);
            Assert.InRange(measured.RelativeBias / measured.RelativeBiasError, 0, Tolerance.MonteCarloError);
        }
    }

    [Fact]
    public void Independent_activities_vary_least_and_shared_weights_most()
    {
        double[] variances = [.. Run(Small).Select(estimate => estimate.Measured.Variance)];

        Assert.True(
            variances[0] < variances[4] && variances[4] < variances[3] && variances[3] < variances[1] && variances[2] < variances[1]);
    }

    [Fact]
    public void Results_are_the_same_bits_for_any_number_of_threads()
    {
        LinearLayerOptions options = Small with { Draws = 100 };

        Assert.Equal(Run(options, threads: 1), Run(options, threads: 2));
        Assert.NotEqual(Run(options), Run(options with { Seed = 9 }));
    }

    [Fact]
    public void All_faults_are_told_at_once()
    {
        LinearLayerOptions options = new() { FanIn = 0, FanOut = 1 << 20, Examples = 0, Draws = 1, Seed = 1, Passes = 0, Mean = 0 };

        string message = Assert.Throws<ArgumentException>(() => Run(options)).Message;

        Assert.All(["fan-in", "examples", "draws", "passes", "mean"], word => Assert.Contains(word, message));
    }

    private static IReadOnlyList<LinearLayerEstimate> Run(LinearLayerOptions options, int threads = 2)
    {
        using WorkerTeam team = new(threads);
        return LinearLayerExperiment.Run(options, team);
    }
}
