using System.Text.Json.Nodes;
using Onward.Rules;

namespace Onward.Cli.Tests;

public sealed class RunsTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 3";

    private readonly Workplace _workplace = new();

    [Fact]
    public void Every_run_is_listed_with_how_it_stands()
    {
        _workplace.Run($"{Small} --out runs/ended");
        _workplace.Run($"{Small} --out runs/deep/down/stopped", interruptAt: "epoch 1/3");
        _workplace.Run($"{Small} --out runs/diverged --lr 1e38 --schedule constant --warmup-epochs 0");
        _workplace.Run($"{Small} --out runs/busy --validation 16", interruptAt: "epoch 2/3");
        _workplace.Run($"{Small} --out runs/broken", interruptAt: "epoch 1/3");
        File.WriteAllText(_workplace["work/runs/broken/config.json"], "{");
        File.AppendAllText(_workplace["work/runs/deep/down/stopped/metrics.csv"], "2,0.1,");
        using FileStream mine = new(_workplace["work/runs/busy/.lock"], FileMode.Open, FileAccess.Write, FileShare.None);

        Workplace.Result json = _workplace.Run("runs --json"), table = _workplace.Run("runs");

        Dictionary<string, JsonNode> runs = json.OutLines.Select(line => JsonNode.Parse(line)!).ToDictionary(run => (string)run["name"]!);
        Assert.Equal(0, json.Code);
        Assert.Equal(
            ["broken damaged ", "busy running 2/3", "deep/down/stopped resumable 1/3", "diverged diverged 0/3", "ended finished 3/3"],
            runs.Values
                .Select(run => $"{run["name"]} {run["state"]} {(run["epochs"] is null ? "" : $"{run["epochsDone"]}/{run["epochs"]}")}")
                .Order(StringComparer.Ordinal));
        Assert.Equal(
            ("S/1/1", "LG-FG-A", "mnist", "validation"),
            (
                (string)runs["busy"]["model"]!,
                (string)runs["busy"]["rule"]!,
                (string)runs["busy"]["dataset"]!,
                (string)runs["busy"]["heldOut"]!));
        Assert.Null(runs["diverged"]["error"]);
        Assert.Equal(6, table.OutLines.Length);
        Assert.Contains(
            table.OutLines,
            line => line.StartsWith("ended ", StringComparison.Ordinal)
                && line.EndsWith(" finished   epochs=3 batch-size=16", StringComparison.Ordinal));
        Assert.StartsWith($"onward: {_workplace["work/runs/broken/config.json"]}: damaged", Assert.Single(table.ErrorLines));
    }

    [Fact]
    public void Options_that_differ_from_the_defaults_are_shown()
    {
        _workplace.Run("train --dataset digits --limit-batches 1 --limit-test-batches 1 --model S/1/1 --epochs 1 --out runs/short");
        const string Short = "train --data {data} --model S/1/1 --batch-size 16";
        _workplace.Run(
            $"{Short} --epochs 2 --lr 0.5 --perturbation rademacher --validation 16 --seed 3 --warmup-epochs 0 --layerwise "
            + "--loss-scope block,group --out runs/b");
        _workplace.Run($"{Short} --epochs 1 --rule BP --out runs/c");
        _workplace.Run($"{Short} --epochs 1 --objective contrastive --temperature 0.3 --out runs/d");
        _workplace.Run($"{Short} --epochs 1 --control-variate learned-feedback --out runs/e");

        Dictionary<string, string> options = _workplace.Run("runs --json").OutLines
            .Select(line => JsonNode.Parse(line)!)
            .ToDictionary(run => (string)run["name"]!, run => Show(run["options"]!.AsObject()));

        Assert.Equal("epochs=1 limit-batches=1 limit-test-batches=1", options["short"]);
        Assert.Equal(
            "batch-size=16 epochs=2 layerwise=true loss-scope=block, group lr=0.5 perturbation=rademacher seed=3 validation=16 "
            + "warmup-epochs=0",
            options["b"]);
        Assert.Equal("batch-size=16 epochs=1", options["c"]);
        Assert.Equal("batch-size=16 epochs=1 temperature=0.3", options["d"]);
        Assert.Equal("batch-size=16 control-variate=learned-feedback epochs=1", options["e"]);

        static string Show(JsonObject options) =>
            string.Join(' ', options.Select(option => $"{option.Key}={option.Value}").Order(StringComparer.Ordinal));
        Assert.Contains("  epochs=1 limit-batches=1 limit-test-batches=1", _workplace.Run("runs").Out);
    }

    // Layers are perturbed one at a time where their losses are local.
    [Theory]
    [InlineData("LG-FG-A", true)]
    [InlineData("FG-A", false)]
    public void A_control_variate_brings_what_it_goes_with(string rule, bool layerwise)
    {
        _workplace.Run(
            $"train --data {{data}} --model S/1/1 --batch-size 16 --epochs 1 --rule {rule} --control-variate learned-feedback --out run");

        RunConfiguration run = RunFolder.ReadConfiguration(_workplace["work/run"]);
        Assert.Equal((NoiseSites.Hidden, layerwise), (run.NoiseSites, run.Layerwise));
    }

    [Fact]
    public void The_best_come_first_or_the_last_written()
    {
        foreach ((string name, string epochs) in new[] { ("a", "1"), ("b", "6"), ("c", "2") })
        {
            _workplace.Run($"train --data {{data}} --model S/1/1 --batch-size 16 --epochs {epochs} --out runs/{name}");
        }

        Assert.Equal(["c", "b", "a"], Names("runs --json"));
        double[] errors = [.. _workplace.Run("runs --best --json").OutLines.Select(line => (double)JsonNode.Parse(line)!["error"]!)];
        Assert.Equal(errors.Order(), errors);
        Assert.Equal(["b"], Names("runs runs/b --json"));

        string[] Names(string command) => [.. _workplace.Run(command).OutLines.Select(line => (string)JsonNode.Parse(line)!["name"]!)];
    }

    [Fact]
    public void Listing_writes_nothing()
    {
        _workplace.Run($"{Small} --out runs/ended");
        File.Delete(_workplace["work/runs/ended/.lock"]);
        string[] before = [.. _workplace.Left];

        _workplace.Run("runs");

        Assert.Equal(before, _workplace.Left);
    }

    [Fact]
    public void No_runs_and_no_folder_are_told()
    {
        _workplace.Refuse("runs", "runs: no such folder. Name a folder that contains run folders, or start a run with 'onward train'.");
        Assert.Equal($"There are no runs in {_workplace["data"]}.", Assert.Single(_workplace.Run("runs {data}").OutLines));
        _workplace.Refuse("runs {data}/train-images-idx3-ubyte", "is a file. Name a folder");
    }

    // Each was an unexpected error, and one such run kept all others from being listed.
    [Theory]
    [InlineData("config.json", "\"scaling\": null", "\"scaling\": {}")]
    [InlineData("config.json", "\"batchSize\": 16", "\"batchSize\": 0")]
    [InlineData("config.json", "\"images\": {", "\"images\": {}, \"environment\": {")]
    [InlineData("config.json", "\"temperature\": null", "\"temperature\": 1e999")]
    [InlineData("config.json", "\"controlVariate\": \"none\"", "\"controlVariate\": \"learned-feedback\"")]
    [InlineData("config.json", "\"perturbation\": \"gaussian\",\n  \"passes\": 1", "\"perturbation\": \"orthogonal\",\n  \"passes\": 3")]
    [InlineData("metrics.csv", "\n1,", "\n1,1,1,1,1,1,1,1,1e300\n1,")]
    [InlineData("metrics.csv", "\n1,", "\n1,1,1,1,1,1,1,1,NaN\n1,")]
    [InlineData("result.json", "\"seconds\": ", "\"seconds\": 1e300")]
    public void A_damaged_file_of_a_run_is_told_in_one_line(string name, string whole, string damaged)
    {
        _workplace.Run($"{Small} --out runs/a");
        string path = _workplace[$"work/runs/a/{name}"], text = File.ReadAllText(path);
        Assert.Contains(whole, text);
        File.WriteAllText(path, text.Replace(whole, damaged, StringComparison.Ordinal));

        Workplace.Result listed = _workplace.Run("runs --json");

        Assert.Equal((0, "damaged"), (listed.Code, (string)JsonNode.Parse(Assert.Single(listed.OutLines))!["state"]!));
        Assert.StartsWith($"onward: {path}: damaged", Assert.Single(listed.ErrorLines));
        if (name != "metrics.csv")
        {
            _workplace.Refuse("train --resume runs/a", $"{path}: damaged");
        }
    }

    public void Dispose() => _workplace.Dispose();
}
