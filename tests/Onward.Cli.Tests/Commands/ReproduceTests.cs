using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Onward.Cli.Tests;

public sealed class ReproduceTests : IDisposable
{
    // One batch of the recorded options.
    private readonly Workplace _workplace = new(trainingImages: 128);

    [Fact]
    public void The_list_holds_every_cell_and_a_command_for_those_that_can_run()
    {
        Workplace.Result result = _workplace.Run("reproduce --list");

        Assert.Equal((0, ""), (result.Code, result.Error));
        Assert.Equal(1 + 44 + 33, result.OutLines.Length);
        Assert.Equal(22, result.OutLines.Count(line => line.Contains("onward train --dataset mnist --model ", StringComparison.Ordinal)));
        Assert.Equal(33, result.OutLines.Count(line => line.EndsWith("has no recorded run on CIFAR-10 yet", StringComparison.Ordinal)));
        Assert.Equal(22, result.OutLines.Count(line => line.EndsWith("has no recorded run on ImageNet yet", StringComparison.Ordinal)));
        const string Row = @"^3 +MNIST-M/1/16 +LG-FG-A +2\.55 % +0\.00 % +\d\.\d\d to \d\.\d\d % +\d\.\d +"
            + @"onward train .*--rule LG-FG-A --epochs \d+ --batch-size 128 --lr 0\.\d+$";
        Assert.Single(result.OutLines, line => Regex.IsMatch(line, Row));
        Assert.Single(result.OutLines, line => Regex.IsMatch(line, @"^4 +CIFAR-10-L/8/64 +BP +17\.53 % +13\.35 % +has no recorded run"));
    }

    [Fact]
    public void The_list_can_be_narrowed_and_read_by_programs()
    {
        Workplace.Result result = _workplace.Run("reproduce --list --row lg-fg-a --column MNIST-M/1/16 --json");

        JsonNode cell = Assert.Single(JsonNode.Parse(Assert.Single(result.OutLines))!.AsArray())!;
        Assert.Equal(
            (3, "LG-FG-A", "MNIST-M/1/16", 2.55, true),
            ((int)cell["table"]!, (string)cell["row"]!, (string)cell["column"]!, (double)cell["paperTestError"]!, (bool)cell["runs"]!));
        Assert.Equal(7, _workplace.Run("reproduce --list --row BP").OutLines.Length - 1);
        Assert.Equal(11, _workplace.Run("reproduce --list --table 4 --column CIFAR-10-M/8/16").OutLines.Length - 1);
    }

    [Fact]
    public void Every_cell_that_can_run_says_what_to_expect_and_ends_within_two_hours()
    {
        JsonNode?[] cells = [.. JsonNode.Parse(_workplace.Run("reproduce --list --json").Out)!.AsArray()];

        Assert.Equal(22, cells.Count(cell => (bool)cell!["runs"]!));
        Assert.All(cells.Where(cell => (bool)cell!["runs"]!), cell => Assert.True(
            (double)cell!["expectedLeast"]! < (double)cell["expectedMost"]! && (double)cell["expectedMinutes"]! is > 0 and <= 120,
            cell.ToJsonString()));
    }

    [Fact]
    public void A_listed_command_is_what_train_takes()
    {
        Workplace.Result list = _workplace.Run("reproduce --list --row FA --column MNIST-M/1/16 --json");
        string command = (string)JsonNode.Parse(list.Out)![0]!["command"]!;

        Workplace.Result result = _workplace.Run($"{command["onward ".Length..]} --data {{data}} --out run", interruptAt: "epoch 1/");

        Assert.Equal(130, result.Code);
    }

    [Fact]
    public void A_reproduction_ends_with_a_verdict_and_is_not_repeated()
    {
        const string Command = "reproduce --row LG-FG-A --column MNIST-M/1/16 --data {data} --threads 1";
        Workplace.Result table = _workplace.Run(Command);
        Workplace.Result json = _workplace.Run($"{Command} --json");

        JsonNode outcome = JsonNode.Parse(Assert.Single(json.OutLines))!;
        Assert.Equal(0, table.Code);
        Assert.Equal("Table 3, LG-FG-A, MNIST-M/1/16", table.OutLines[0]);
        Assert.Equal(
            ["command", "ours", "paper", "expected", "time", "runs", "verdict"], table.OutLines.Skip(1).Select(line => line.Split(' ')[0]));
        Assert.Equal(
            "verdict   no verdict: the data has 128 training and 32 test images, the paper's MNIST 60,000 and 10,000", table.OutLines[^1]);
        Assert.Equal(("none", 1, 2.55), ((string)outcome["verdict"]!, (int)outcome["seeds"]!, (double)outcome["paperTestError"]!));
        Assert.NotNull(outcome["testError"]);
        Assert.Equal(_workplace["work/reproduce/table3-MNIST-M-1-16"], (string)outcome["folder"]!);
        Assert.Contains("ended before", Assert.Single(json.ErrorLines));
    }

    public void Dispose() => _workplace.Dispose();
}
