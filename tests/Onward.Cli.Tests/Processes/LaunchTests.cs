namespace Onward.Cli.Tests;

/// <summary>Processes that mpirun started, but without --parallel on the command line, or with another MPI library.</summary>
public sealed class LaunchTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --threads 1 --epochs 1 --out run";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK")]
    [InlineData("PMI_SIZE", "PMI_RANK")]
    [InlineData("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK")]
    public void Copies_of_one_run_are_refused_and_the_first_says_why(string size, string rank)
    {
        Workplace.Result first = Run(new() { [size] = "4", [rank] = "0" }), second = Run(new() { [size] = "4", [rank] = "1" });

        Assert.Equal(2, first.Code);
        Assert.Equal(
            "onward: mpirun started 4 processes, and each would train the whole run. "
            + "Share the run among them with --parallel data, or start one process.\n",
            first.Error);
        Assert.Equal((0, "", ""), (second.Code, second.Error, second.Out));
        Assert.Empty(_workplace.Left);
    }

    [Fact]
    public void A_later_process_is_a_copy_though_nothing_says_how_many_there_are()
    {
        Assert.Equal((0, ""), (Run(new() { ["PMIX_RANK"] = "1" }).Code, Run(new() { ["PMIX_RANK"] = "1" }).Error));
        Assert.Empty(_workplace.Left);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("-1")]
    [InlineData("many")]
    [InlineData("")]
    public void One_process_trains(string size)
    {
        Assert.Equal(0, Run(new() { ["OMPI_COMM_WORLD_SIZE"] = size }).Code);
        Assert.True(File.Exists(_workplace["work/run/result.json"]));
    }

    public void Dispose() => _workplace.Dispose();

    private Workplace.Result Run(Dictionary<string, string> variables) =>
        _workplace.Run(
            [.. Small.Split(' ').Select(word => word.Replace("{data}", _workplace.Data, StringComparison.Ordinal))], variables: variables);
}
