using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class BenchTests : IDisposable
{
    private readonly Workplace _workplace = new();

    [Fact]
    public void Json_is_one_line_whose_numbers_agree()
    {
        Workplace.Result result = _workplace.Run("bench --model S/1/1 --batch-size 32 --threads 1 --seconds 1 --json");

        JsonObject outcome = JsonNode.Parse(Assert.Single(result.OutLines))!.AsObject();
        double speed =
            (double)outcome["imagesPerSecond"]!, work = (double)outcome["gflopsPerImage"]!, peak = (double)outcome["gemmPeakGflops"]!;
        Assert.Equal(0, result.Code);
        Assert.Equal(
            [
                "imagesPerSecond",
                "gflopsPerImage",
                "gemmPeakGflops",
                "utilization",
                "gemmMeanwhileGflops",
                "utilizationMeanwhile",
                "peakMemoryMB",
                "activationMB",
                "threads",
            ],
            outcome.Select(pair => pair.Key));

        // Each number is rounded by itself: half a unit of the last place of each, carried to their quotient, and to the quotient's own
        // rounding.
        double quotient = speed * work / peak, rounding = quotient * ((0.05 / speed) + (0.5e-6 / work) + (0.05 / peak)) + 0.5e-4;
        Assert.Equal(quotient, (double)outcome["utilization"]!, 1.01 * rounding);
        Assert.InRange((double)outcome["gemmMeanwhileGflops"]!, double.Epsilon, peak);
        Assert.True((double)outcome["utilizationMeanwhile"]! > 0);
        Assert.Empty(_workplace.Left);
    }

    [Fact]
    public void The_table_names_what_was_measured()
    {
        Workplace.Result result = _workplace.Run("bench --model s/1/1 --batch-size 8 --threads 2 --seconds 0.1");

        Assert.Equal(0, result.Code);
        Assert.Equal("training     S/1/1, LG-FG-A, batch 8", result.OutLines[0]);
        Assert.Equal(7, result.OutLines.Length);
        Assert.Equal(16, _workplace.Run("bench --model s/1/1 --batch-size 8 --threads 2 --seconds 0.1 --profile").OutLines.Length);
    }

    [Theory]
    [InlineData("--rule LG-FG-A")]
    [InlineData("--rule LG-FG-A --passes 3")]
    [InlineData("--rule BP")]
    [InlineData("--rule BP --recompute")]
    [InlineData("--rule FG-W")]
    [InlineData("--rule L-FA")]
    public void A_profile_accounts_for_all_time_and_all_products(string rule)
    {
        Workplace.Result result = _workplace.Run($"bench --model M/8/16 --batch-size 4 --threads 2 --seconds 0.2 --profile --json {rule}");

        JsonObject outcome = JsonNode.Parse(Assert.Single(result.OutLines))!.AsObject();
        JsonObject[] parts = [.. outcome["profile"]!.AsArray().Select(part => part!.AsObject())];
        Assert.Equal(0, result.Code);
        Assert.Equal(
            [
                "packing weights",
                "values",
                "losses",
                "differentiation",
                "packing gradients",
                "weight gradients",
                "update",
                "waiting and other",
            ],
            parts.Select(part => (string)part["phase"]!));
        Assert.Equal(1, parts.Sum(part => (double)part["share"]!), 1e-3);
        Assert.Equal(1000 * (double)outcome["gflopsPerImage"]!, parts.Sum(part => (double)part["megaflop"]!), 1e-3);
        Assert.All(parts.Where(part => (double)part["megaflop"]! > 0), part => Assert.True((double)part["leastMicroseconds"]! > 0));
    }

    [Fact]
    public void The_table_names_the_convolution()
    {
        Workplace.Result result = _workplace.Run("bench --mixer conv --batch-size 2 --threads 2 --seconds 0.1");

        Assert.Equal((0, "training     M/8/16-conv3, LG-FG-A, batch 2"), (result.Code, result.OutLines[0]));
    }

    public void Dispose() => _workplace.Dispose();
}
