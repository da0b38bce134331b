namespace Onward.Runs.Tests;

/// <summary>Verdicts on errors beside the ones that the paper reports, and the statistics over seeds that they read.</summary>
public sealed class VerdictTests
{
    [Theory]
    [InlineData(2.55, null, 2.55, "reproduced: the paper's error")]
    [InlineData(2.554, null, 2.55, "reproduced: the paper's error")]
    [InlineData(2.43, null, 2.55, "reproduced: below the paper's error by 0.12 points")]
    [InlineData(2.60, null, 2.55, "not reproduced: above the paper's error by 0.05 points")]
    [InlineData(2.60, 0.05, 2.55, "reproduced: above the paper's error by 0.05 points, no more than the seeds' deviation of 0.05")]
    [InlineData(2.61, 0.05, 2.55, "not reproduced: above the paper's error by 0.06 points")]
    public void The_verdict_is_about_the_papers_error(double mean, double? deviation, double paper, string expected) =>
        Assert.Equal(expected, Verdict.Of(new SeedStatistics(mean, deviation), diverged: 0, runs: 3, paper).ToString());

    [Fact]
    public void A_run_that_diverged_reproduces_nothing()
    {
        Assert.Equal(
            "not reproduced: 1 of 3 runs diverged", Verdict.Of(new SeedStatistics(0, 0), diverged: 1, runs: 3, paper: 2).ToString());
        Assert.Equal("not reproduced: 1 of 1 run diverged", Verdict.Of(null, diverged: 1, runs: 1, paper: 2).ToString());
    }

    [Fact]
    public void The_papers_own_data_has_a_verdict() => Assert.Null(Verdict.OfOtherData(60_000, 10_000));

    [Theory]
    [InlineData(2.4, "within it")]
    [InlineData(2.604, "within it")]
    [InlineData(2.39, "below it by 0.01")]
    [InlineData(2.75, "above it by 0.15")]
    public void An_interval_tells_where_an_error_lies(double error, string place) =>
        Assert.Equal(place, new ErrorInterval(2.4, 2.6).Place(error));

    [Theory]
    [InlineData(2, 1)]
    [InlineData(-1, 1)]
    [InlineData(99, 101)]
    [InlineData(double.NaN, 1)]
    public void An_interval_goes_up_within_all_errors(double least, double most) =>
        Assert.Throws<ArgumentException>(() => new ErrorInterval(least, most));

    [Fact]
    public void The_spread_over_seeds_is_the_standard_deviation()
    {
        Assert.Equal(new SeedStatistics(2, 1), SeedStatistics.Of([1, 2, 3]));
        Assert.Equal(new SeedStatistics(4, null), SeedStatistics.Of([4]));
        Assert.Null(SeedStatistics.Of([]));
        Assert.Equal((2.5, 3, null), (SeedStatistics.Median([4, 1, 3, 2]), SeedStatistics.Median([3, 9, 1]), SeedStatistics.Median([])));
    }
}
