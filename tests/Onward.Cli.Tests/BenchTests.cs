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
        double speed = (double)outcome["imagesPerSecond"]!, work = (double)outcome["gflopsPerImage"]!, peak = (double)outcome["gemmPeakGflops"]!;
        Assert.Equal(0, result.Code);
        Assert.Equal(["imagesPerSecond", "gflopsPerImage", "gemmPeakGflops", "utilization", "peakMemoryMB", "activationMB", "threads"], outcome.Select(pair => pair.Key));

        // Each number is rounded by itself: half a unit of the last place of each, carried to their quotient, and to the quotient's own rounding.
        double quotient = speed * work / peak, rounding = quotient * ((0.05 / speed) + (0.5e-6 / work) + (0.05 / peak)) + 0.5e-4;
        Assert.Equal(quotient, (double)outcome["utilization"]!, 1.01 * rounding);
        Assert.Empty(_workplace.Left);
    }

    [Fact]
    public void The_table_names_what_was_measured()
    {
        Workplace.Result result = _workplace.Run("bench --model s/1/1 --batch-size 8 --threads 2 --seconds 0.1");

        Assert.Equal(0, result.Code);
        Assert.Equal("training     S/1/1, LG-FG-A, batch 8", result.OutLines[0]);
        Assert.Equal(7, result.OutLines.Length);
    }

    [Fact]
    public void The_table_names_the_convolution()
    {
        Workplace.Result result = _workplace.Run("bench --mixer conv --batch-size 2 --threads 2 --seconds 0.1");

        Assert.Equal((0, "training     M/8/16-conv3, LG-FG-A, batch 2"), (result.Code, result.OutLines[0]));
    }

    public void Dispose() => _workplace.Dispose();
}
