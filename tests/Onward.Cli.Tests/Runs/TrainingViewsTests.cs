using System.Globalization;
using System.Text.Json.Nodes;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli.Tests;

/// <summary>Augmentation and the contrastive objective.</summary>
public sealed class TrainingViewsTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2";

    private readonly Workplace _workplace = new();

    [Theory]
    [InlineData("", "none", null)]
    [InlineData("--augment crop", "crop", null)]
    [InlineData("--augment area", "area", 0.3)]
    [InlineData("--augment area-colour --area-min 0.5", "area-colour", 0.5)]
    [InlineData("--objective contrastive", "contrastive", 0.08)]
    public void Views_are_kept_in_the_configuration_and_change_the_model(string options, string augmentation, double? areaMin)
    {
        Assert.Equal(0, _workplace.Run($"{Small} --augment none --out plain").Code);
        Assert.Equal(0, _workplace.Run($"{Small} --out run {options}".TrimEnd()).Code);

        JsonNode configuration = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        Assert.Equal((augmentation, areaMin), ((string?)configuration["augmentation"], (double?)configuration["areaMin"]));
        byte[] plain = File.ReadAllBytes(_workplace["work/plain/model.safetensors"]);
        Assert.Equal(augmentation == "none", File.ReadAllBytes(_workplace["work/run/model.safetensors"]).SequenceEqual(plain));
    }

    [Theory]
    [InlineData("", 1, "keep")]
    [InlineData("--augment area", 1, "keep")]
    [InlineData("--augment area --blank-views redraw", 1, "redraw")]
    [InlineData("--objective contrastive", 1, "redraw")]
    [InlineData("--objective contrastive", 3, "keep")]
    [InlineData("--objective contrastive --blank-views keep", 1, "keep")]
    [InlineData("--objective contrastive --blank-views redraw", 3, "redraw")]
    public void Blank_views_are_drawn_again_by_default_where_grey_images_are_compared(string options, int channels, string blankViews)
    {
        _workplace.WriteColour();
        string data = channels == 1 ? "{data}" : "{path}/colour --dataset idx";
        string run = $"{Small.Replace("{data}", data, StringComparison.Ordinal)} {options}".TrimEnd();

        Assert.Equal(0, _workplace.Run($"{run} --out run").Code);
        string? tried = (string?)JsonNode.Parse(_workplace.Run($"{run} --dry-run --json").Out)!["blankViews"];

        string? kept = (string?)JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!["blankViews"];
        string told = blankViews == "redraw" ? "blank crops are redrawn" : "blank crops are kept";
        bool cropsByArea = options.Length > 0;
        Assert.Equal((blankViews, blankViews), (tried, kept));
        Assert.Equal(cropsByArea, _workplace.Run($"{run} --dry-run").OutLines.Any(line => line.EndsWith(told, StringComparison.Ordinal)));
    }

    // With --blank-views keep they end at a loss of 5.539, which is that of guessing, and an error of 66 %.
    [Fact]
    public void Digits_are_told_apart_without_labels()
    {
        const string Digits = "train --dataset digits --overfit-batches 4 --model M/1/16 --objective contrastive";

        Workplace.Result result = _workplace.Run($"{Digits} --epochs 30 --warmup-epochs 5 --seed 2 --out run --json");

        string[] last = File.ReadAllLines(_workplace["work/run/metrics.csv"])[^1].Split(',');
        Assert.InRange(double.Parse(last[2], CultureInfo.InvariantCulture), 0, Math.Log(255) - 0.05);
        Assert.InRange((double)JsonNode.Parse(result.Out)!["testError"]!, 0, 40);
    }

    [Theory]
    [InlineData(null, "none")]
    [InlineData("mnist", "none")]
    [InlineData("digits", "none")]
    [InlineData("cifar-10", "flip")]
    [InlineData("folder", "area")]
    public void Only_natural_images_are_mirrored_by_default(string? dataset, string name) =>
        Assert.Equal(name, AugmentationSettings.Default(dataset).Name);

    public static TheoryData<string> Rules => [.. PaperRules.Names];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Every_rule_learns_without_labels_and_reads_classes_out_afterwards(string rule)
    {
        Workplace.Result result = _workplace.Run(
            $"{Small} --rule {rule} --objective contrastive --projection 8 --optimizer lars --out run --json");

        JsonNode outcome = JsonNode.Parse(Assert.Single(result.OutLines))!;
        LocalMixerOptions options = ModelFile.Load(_workplace["work/run/model.safetensors"]).Mixer!;
        Assert.Equal((8, Normalizations.None), (options.Projection, options.Normalizations & Normalizations.Inter));
        Assert.True((double)outcome["testError"]! < 100);
        Assert.Equal((double)outcome["testError"]!, (double)JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!["testError"]!);
    }

    public void Dispose() => _workplace.Dispose();
}
