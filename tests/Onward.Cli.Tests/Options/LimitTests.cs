using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Onward.Cli.Tests;

/// <summary>Dry runs, limits on batches and time, early stopping, and comparisons of gradients.</summary>
public sealed class LimitTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("", 4)]
    [InlineData("--limit-batches 3 --out there", 3)]
    [InlineData("--objective contrastive --measure-gradients 1 --ema 0.9", 4)]
    public void A_dry_run_tells_what_a_run_takes_and_keeps_nothing(string options, int steps)
    {
        Workplace.Result people = _workplace.Run($"{Small} --epochs 5 --dry-run {options}".TrimEnd());
        JsonNode programs = JsonNode.Parse(_workplace.Run($"{Small} --epochs 5 --dry-run --json {options}".TrimEnd()).Out)!;

        Assert.Equal((0, ""), (people.Code, people.Error));
        Assert.Single(people.OutLines, line => Regex.IsMatch(line, $"^steps +5 epochs of {steps}, batch size 16, learning rate "));
        Assert.EndsWith("nothing was written", people.OutLines[^1]);
        Assert.Equal((5, steps, 16), ((int)programs["epochs"]!, (int)programs["stepsPerEpoch"]!, (int)programs["batchSize"]!));
        Assert.Equal(5 * steps * 16 / (double)programs["imagesPerSecond"]!, (double)programs["seconds"]!, 1e-6);
        Assert.Empty(_workplace.Left);
    }

    [Fact]
    public void A_dry_run_refuses_what_a_run_would() =>
        _workplace.Refuse(
            "train --data {data} --model S/1/1 --dry-run --batch-size 65", "--batch-size 65 is more than the 64 training images.");

    [Fact]
    public void Images_that_are_learnt_alone_are_learnt_by_heart()
    {
        Workplace.Result result = _workplace.Run($"{Small} --overfit-batches 2 --epochs 200 --lr 0.05 --early-stop 60 --seed 3 --out run");

        JsonNode outcome = JsonNode.Parse(File.ReadAllText(_workplace["work/run/result.json"]))!;
        Assert.Equal((0, 0, 0), (result.Code, (double)outcome["trainError"]!, (double)outcome["testError"]!));
        Assert.InRange((int)outcome["epochs"]!, 61, 199);
        Assert.Contains(
            result.OutLines, line => line.EndsWith("mnist, 32 images alone, on which errors are reported", StringComparison.Ordinal));
        Assert.Contains(
            result.OutLines,
            line => line.EndsWith($"{(int)outcome["epochs"]!} of 200: no lower error in the last 60 epochs", StringComparison.Ordinal));
        Assert.DoesNotContain(result.OutLines, line => line.StartsWith("test error", StringComparison.Ordinal));
        Assert.Contains("training", _workplace.Run("runs .").OutLines[1]);
    }

    [Fact]
    public void A_run_that_ends_early_says_which_epoch_was_best_and_holds_it()
    {
        Workplace.Result result = _workplace.Run($"{Small} --validation 16 --epochs 500 --lr 0.05 --early-stop 3 --keep 1 --out run");

        string[] epochs = [.. File.ReadAllLines(_workplace["work/run/metrics.csv"]).Skip(1)];
        double[] errors = [.. epochs.Select(line => double.Parse(line.Split(',')[5], System.Globalization.CultureInfo.InvariantCulture))];
        int best = Array.IndexOf(errors, errors.Min()) + 1;
        JsonNode outcome = JsonNode.Parse(File.ReadAllText(_workplace["work/run/result.json"]))!;
        Assert.Equal((best, errors.Min()), ((int)outcome["bestEpoch"]!, (double)outcome["bestTestError"]!));
        Assert.Equal(best + 3, (int)outcome["epochs"]!);
        string said = $" {best}, with a validation error of {errors.Min():0.00} %; --best selects it";
        Assert.EndsWith(said, Assert.Single(result.OutLines, line => line.StartsWith("best epoch ", StringComparison.Ordinal)));
        JsonNode measured = JsonNode.Parse(_workplace.Run("eval --run run --best --json").Out)!;
        Assert.Equal((best, errors.Min()), ((int)measured["epoch"]!, Math.Round((double)measured["validationError"]!, 4)));
        JsonNode json = JsonNode.Parse(_workplace.Run("train --resume run --json").Out)!;
        Assert.Equal((best, errors.Min()), ((int)json["bestEpoch"]!, (double)json["bestTestError"]!));
    }

    [Fact]
    public void When_its_time_is_up_a_run_stops_and_can_be_gone_on_with()
    {
        Workplace.Result result = _workplace.Run($"{Small} --epochs 100000 --max-time 0.02 --out run");

        Assert.Equal(130, result.Code);
        Assert.Matches(@"^onward: time is up(;| before) .*Go on with 'onward train --resume .*run'\.$", result.ErrorLines[^1]);
        Assert.Contains("resumable", _workplace.Run("runs .").OutLines[1]);
        Assert.Equal(130, _workplace.Run("train --resume run --max-time 0.01").Code);
    }

    [Fact]
    public void Gradients_that_are_measured_stand_in_the_metrics_and_change_no_weights()
    {
        _workplace.Run($"{Small} --epochs 2 --out plain");
        _workplace.Run($"{Small} --epochs 2 --measure-gradients 2 --out measured");

        string[][] metrics = [.. File.ReadAllLines(_workplace["work/measured/metrics.csv"]).Select(line => line.Split(','))];
        Assert.Equal(["block_0_gradient_norm", "block_0_exact_norm", "block_0_cosine"], metrics[0][^6..^3]);
        Assert.All(
            metrics[1..], line => Assert.InRange(double.Parse(line[^4], System.Globalization.CultureInfo.InvariantCulture), 0.001, 0.999));
        string page = File.ReadAllText(_workplace.Run("report measured").Out.Trim());
        Assert.Contains("Cosine to the exact gradient", page);
        Assert.Contains("Norm of the gradient estimate", page);
        Assert.DoesNotContain("Cosine", File.ReadAllText(_workplace.Run("report plain").Out.Trim()));
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/plain/model.safetensors"]),
            File.ReadAllBytes(_workplace["work/measured/model.safetensors"]));
    }

    // What backprop is compared with is itself, but for the first step: from a readout of zeros nothing comes back.
    [Fact]
    public void Backprop_agrees_with_itself()
    {
        _workplace.Run($"{Small} --rule BP --epochs 2 --measure-gradients 4 --out run");

        string[][] lines = [.. File.ReadAllLines(_workplace["work/run/metrics.csv"]).Skip(1).Select(line => line.Split(','))];
        Assert.All(lines, cells => Assert.Equal(cells[^6], cells[^5]));
        Assert.Equal(["0.75", "1"], lines.Select(cells => cells[^4]));
    }

    // A run that measures on some images trains the same weights, and goes on with the same ones.
    [Fact]
    public void Errors_are_measured_on_no_more_batches_than_asked()
    {
        _workplace.Run($"{Small} --epochs 3 --out plain");
        Workplace.Result limited = _workplace.Run($"{Small} --epochs 3 --limit-test-batches 1 --out limited");
        _workplace.Run($"{Small} --epochs 3 --limit-test-batches 1 --out again", interruptAt: "epoch 2/3");
        _workplace.Run("train --resume again");

        JsonNode outcome = JsonNode.Parse(File.ReadAllText(_workplace["work/limited/result.json"]))!;
        Assert.All(new[] { "trainError", "testError" }, name => Assert.Equal(0, (double)outcome[name]! % (100.0 / 16)));
        Assert.Contains(
            limited.OutLines,
            line => line.StartsWith("test error", StringComparison.Ordinal)
                && line.EndsWith(" % on 16 images at most", StringComparison.Ordinal));
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/plain/model.safetensors"]), File.ReadAllBytes(_workplace["work/limited/model.safetensors"]));
        Assert.Equal(
            (double)outcome["testError"]!, (double)JsonNode.Parse(File.ReadAllText(_workplace["work/again/result.json"]))!["testError"]!);
    }

    [Theory]
    [InlineData("--overfit-batches 2 --limit-test-batches 1", "--limit-test-batches does not apply to --overfit-batches")]
    [InlineData("--overfit-batches 2 --limit-batches 1", "--limit-batches does not apply to --overfit-batches")]
    [InlineData("--overfit-batches 2 --validation 8", "--validation does not apply to --overfit-batches")]
    [InlineData("--overfit-batches 5", "--overfit-batches 5 of 16 images are more than the 64 training images.")]
    [InlineData("--early-stop 0", "--early-stop must be a whole number from 1 to 1000000000; got '0'.")]
    [InlineData("--ema 1", "--ema must be a number from 0 to below 1; got '1'.")]
    [InlineData("--max-time 0", "--max-time must be a number from 0.001 to 1000000; got '0'.")]
    public void What_makes_no_sense_is_refused(string options, string expected) => _workplace.Refuse($"{Small} {options}", expected);

    public void Dispose() => _workplace.Dispose();
}
