using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class AdviceTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16";

    private readonly Workplace _workplace = new();

    [Fact]
    public void Advice_is_shown_once_and_kept_in_the_metrics_the_result_the_list_of_runs_and_the_report()
    {
        Workplace.Result trained = _workplace.Run($"{Small} --epochs 20 --lr 5 --out run --json");

        string line = Assert.Single(trained.ErrorLines, line => line.StartsWith("onward: the loss of ", StringComparison.Ordinal));
        Assert.Matches(
            @"^onward: the loss of (block 0|the readout) rose from [\d.]+ to [\dE+.]+ by step \d of epoch \d+: "
            + @"the learning rate 5 is too high for it; try --lr 1, or 'onward find-lr'\.$",
            line);
        string message = line["onward: ".Length..line.IndexOf(';', StringComparison.Ordinal)];
        Assert.Contains(message, JsonNode.Parse(trained.Out)!["advice"]!.AsArray().Select(advice => (string?)advice));
        Assert.Contains(message, File.ReadAllText(_workplace["work/run/result.json"]));
        Assert.Contains(message, File.ReadAllText(_workplace["work/run/metrics.csv"]));
        Assert.Contains($"run: {message}", _workplace.Run("runs .").OutLines);
        Assert.Contains(message, File.ReadAllText(_workplace.Run("report run").Out.Trim()));
    }

    [Fact]
    public void Defaults_follow_the_size_of_a_small_set_and_what_was_given_is_kept()
    {
        Workplace.Result tried = _workplace.Run("train --data {data} --model M/1/16 --dry-run");
        Workplace.Result given = _workplace.Run("train --data {data} --model M/1/16 --dry-run --batch-size 64 --epochs 2");

        Assert.Equal((0, 0), (tried.Code, given.Code));
        Assert.Contains("onward: the 64 training images are few, so the defaults are --batch-size 16 --warmup-epochs 5.", tried.ErrorLines);
        Assert.Contains(tried.OutLines, line => line.Contains("120 epochs of 4, batch size 16", StringComparison.Ordinal));
        Assert.Contains(given.OutLines, line => line.Contains("2 epochs of 1, batch size 64", StringComparison.Ordinal));
        _workplace.Refuse(
            "train --data {data} --batch-size 128",
            "--batch-size 128 is more than the 64 training images. Take at most 64, or leave --batch-size out.");
    }

    [Theory]
    [InlineData(61, 8, 50, 2.86)]
    [InlineData(1, 1, 350, 20)]
    [InlineData(511, 64, 50, 2.86)]
    [InlineData(60_000, 128, 5, 1)]
    public void Batch_epochs_and_warm_up_follow_the_number_of_images(int images, int batch, int epochs, double warmup)
    {
        Training.TrainingOptions fitted = new SizeDefaults(true, true, true)
            .Fit(PresetDefaults.For("L/8/64", "LG-FG-A").Training(null, 1), images, isLimited: false);

        Assert.Equal(batch, fitted.BatchSize);
        Assert.Equal(images, SizeDefaults.None.Fit(fitted with { BatchSize = images }, images, isLimited: false).BatchSize);
        Assert.InRange(fitted.Epochs * (images / fitted.BatchSize), 350, int.MaxValue);
        Assert.InRange(fitted.WarmupEpochs, 1, fitted.Epochs / 5.0);
        Assert.True(
            images != 61 || (fitted.Epochs, fitted.WarmupEpochs) == (epochs, warmup),
            $"{fitted.Epochs} epochs, {fitted.WarmupEpochs} of warm-up");
    }

    [Fact]
    public void A_network_that_is_huge_for_its_patches_is_told_with_what_to_do()
    {
        foreach (string file in new[] { "train/one/0.bmp", "train/two/0.bmp", "test/one/0.bmp", "test/two/0.bmp" })
        {
            byte shade = (byte)(file.Contains("one", StringComparison.Ordinal) ? 40 : 200);
            Directory.CreateDirectory(Path.GetDirectoryName(_workplace[$"pictures/{file}"])!);
            File.WriteAllBytes(_workplace[$"pictures/{file}"], Bitmap(shade));
        }

        const string Command = "train --dataset folder --data {path}/pictures --model M/1/16 --batch-size 1 --dry-run --image-size";
        Assert.Contains(
            _workplace.Run($"{Command} 72").ErrorLines,
            line => line.StartsWith("onward: M/1/16 has 7,", StringComparison.Ordinal)
                && line.Contains("because each of its patches is 72x72 pixels. ", StringComparison.Ordinal)
                && line.EndsWith("Try --image-size 32 or --model M/8/16.", StringComparison.Ordinal));
        Assert.DoesNotContain(_workplace.Run($"{Command} 32").ErrorLines, line => line.Contains("patches", StringComparison.Ordinal));
    }

    [Fact]
    public void A_contrastive_error_is_not_called_a_train_error()
    {
        Workplace.Result trained = _workplace.Run($"{Small} --epochs 1 --objective contrastive --out run");

        string metrics = _workplace["work/run/metrics.csv"];
        Assert.StartsWith("epoch,learning_rate,contrastive_loss,contrastive_error,test_loss,test_error,", File.ReadAllText(metrics));
        Assert.Contains(trained.ErrorLines, line => line.StartsWith("epoch 1/1: contrastive error ", StringComparison.Ordinal));
        Assert.Contains(trained.OutLines, line => line.StartsWith("contrastive error ", StringComparison.Ordinal));
        Assert.Contains(trained.OutLines, line => line.StartsWith("readout train error ", StringComparison.Ordinal));
        Assert.DoesNotContain(trained.OutLines, line => line.StartsWith("train error", StringComparison.Ordinal));
        Assert.Contains("Contrastive error", File.ReadAllText(_workplace.Run("report run").Out.Trim()));

        // The names of version 0.1.
        string old = File.ReadAllText(metrics)
            .Replace("contrastive_", "train_", StringComparison.Ordinal)
            .Replace(",advice", "", StringComparison.Ordinal)
            .Replace(",\n", "\n", StringComparison.Ordinal);
        File.WriteAllText(metrics, old);
        Assert.Contains("finished", _workplace.Run("runs .").OutLines[1]);
    }

    [Fact]
    public void Losses_and_errors_of_heads_that_nothing_trains_are_shown_nowhere()
    {
        Workplace.Result trained = _workplace.Run($"{Small} --rule BP --epochs 1 --out run");

        Assert.DoesNotContain("block", trained.Out + trained.Error);
        Assert.DoesNotContain("block_", File.ReadAllText(_workplace["work/run/metrics.csv"]));
        Assert.DoesNotContain("Local loss", File.ReadAllText(_workplace.Run("report run").Out.Trim()));
    }

    public void Dispose() => _workplace.Dispose();

    // 2x2 pixels of one shade, 24 bits each.
    private static byte[] Bitmap(byte shade) =>
    [
        (byte)'B', (byte)'M', 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0, .. new byte[24],
        .. Enumerable.Repeat(shade, 6), 0, 0, .. Enumerable.Repeat((byte)(shade / 2), 6), 0, 0,
    ];
}
