using System.Globalization;
using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class SweepTests : IDisposable
{
    private const string Small = "sweep --data {data} --model S/1/1 --batch-size 16 --epochs 1";
    private const string Scan = "find-lr --data {data} --model S/1/1 --batch-size 16 --steps 40";

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_grid_holds_every_combination_and_the_table_begins_with_the_best()
    {
        Workplace.Result result = _workplace.Run($"{Small} --vary lr=0.0001,0.05 --vary rule=LG-BP,BP --validation 16 --out s");

        string[][] lines = [.. File.ReadAllLines(_workplace["work/s/sweep.csv"]).Select(line => line.Split(','))];
        double[] errors = [.. lines[1..].Select(line => double.Parse(line[2], CultureInfo.InvariantCulture))];
        Assert.Equal(0, result.Code);
        Assert.Equal(
            ["lr", "rule", "validation_error", "validation_error_deviation", "train_error", "diverged", "images_per_second", "seconds"],
            lines[0]);
        Assert.Equal(["0.0001 BP", "0.0001 LG-BP", "0.05 BP", "0.05 LG-BP"], lines[1..].Select(line => $"{line[0]} {line[1]}").Order());
        Assert.Equal(errors.Order(), errors);
        Assert.Equal(
            ["lr-0.0001_rule-BP", "lr-0.0001_rule-LG-BP", "lr-0.05_rule-BP", "lr-0.05_rule-LG-BP"],
            Directory.GetDirectories(_workplace["work/s"]).Select(Path.GetFileName).Order());
        Assert.StartsWith("lr      rule   validation error", result.OutLines[0]);
        Assert.Equal(6, result.OutLines.Length);
    }

    // A run of a sweep is the run that 'onward train' makes of the same options.
    [Fact]
    public void A_run_is_that_of_its_options()
    {
        _workplace.Run($"{Small} --vary passes=2 --seed 5 --out s");
        _workplace.Run("train --data {data} --model S/1/1 --batch-size 16 --epochs 1 --passes 2 --seed 5 --out alone");

        Assert.Equal(
            File.ReadAllBytes(_workplace["work/alone/model.safetensors"]),
            File.ReadAllBytes(_workplace["work/s/passes-2/model.safetensors"]));
    }

    [Fact]
    public void A_folder_of_many_options_has_a_name_that_file_systems_take()
    {
        const string Many =
            "--vary lr=0.01,0.02 --vary momentum=0.9 --vary weight-decay=0.0001 --vary schedule=cosine --vary warmup-epochs=0.5 "
            + "--vary ema=0.5 --vary passes=1 --vary perturbation=rademacher --vary layerwise=true "
            + "--vary loss-scope=block,patch,group|block,patch --vary limit-batches=2 --vary limit-test-batches=1 "
            + "--vary early-stop=5 --vary seed=1,2 --vary readout-scale=0.1";
        Workplace.Result first = _workplace.Run($"{Small} {Many} --out s");
        string[] names =
        [
            .. Directory.GetDirectories(_workplace["work/s"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal),
        ];
        Workplace.Result again = _workplace.Run($"{Small} {Many} --out s");

        Assert.Equal((0, 0, 8), (first.Code, again.Code, names.Length));
        Assert.All(names, name => Assert.Matches(@"^lr-0\.0[12]_momentum-0\.9_.{140,}-[0-9a-f]{16}$", name));
        Assert.All(names, name => Assert.True(name.Length <= 200));
        Assert.Equal(8, again.ErrorLines.Count(line => line.Contains("ended before, ", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_has_ended_is_not_repeated()
    {
        string[] first = _workplace.Run($"{Small} --vary lr=0.01,0.02 --seeds 2 --out s").ErrorLines;
        string[] second = _workplace.Run($"{Small} --vary lr=0.02,0.05 --seeds 2 --out s").ErrorLines;

        Assert.Equal(4, first.Count(line => line.Contains(": training ", StringComparison.Ordinal)));
        Assert.Equal(2, second.Count(line => line.Contains(": training ", StringComparison.Ordinal)));
        Assert.Equal(2, second.Count(line => line.Contains("ended before, ", StringComparison.Ordinal)));
        Assert.Contains("ranked by errors on the test set", first[0]);
    }

    [Fact]
    public void Draws_keep_to_their_ranges_and_repeat_themselves()
    {
        const string Random =
            $"{Small} --random 5 --vary lr=0.001..0.1 --vary passes=1..4 --vary layerwise=true,false --validation 16 --json --out ";
        string[] settings = Settings("a"), again = Settings("b");

        Assert.Equal(5, settings.Distinct().Count());
        Assert.Equal(settings.Order(), again.Order());
        Assert.All(settings, setting =>
        {
            JsonNode values = JsonNode.Parse(setting)!;
            Assert.InRange(double.Parse((string)values["lr"]!, CultureInfo.InvariantCulture), 0.001, 0.1);
            Assert.InRange(int.Parse((string)values["passes"]!, CultureInfo.InvariantCulture), 1, 4);
            Assert.Contains((string?)values["layerwise"], new[] { "true", "false" });
        });

        string[] Settings(string folder) =>
            [.. _workplace.Run(Random + folder).OutLines.Select(line => JsonNode.Parse(line)!["setting"]!.ToJsonString())];
    }

    [Fact]
    public void A_setting_that_diverges_comes_last()
    {
        string[] lines = _workplace.Run($"{Small} --warmup-epochs 0 --vary lr=1e38,0.01 --out s").OutLines;

        Assert.StartsWith("0.01", lines[1]);
        Assert.Matches("^1e38 +diverged", lines[2]);
    }

    [Fact]
    public void Values_with_commas_are_told_apart_by_bars()
    {
        _workplace.Run($"{Small} --vary loss-scope=block|block,patch --out s");

        Assert.Equal(
            ["loss-scope-block", "loss-scope-block,patch"],
            Directory.GetDirectories(_workplace["work/s"]).Select(Path.GetFileName).Order());
        Assert.Contains(
            File.ReadAllLines(_workplace["work/s/sweep.csv"]), line => line.StartsWith("\"block,patch\",", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--vary lr", "--vary must be NAME=VALUE,VALUE,... or NAME=LOW..HIGH, such as lr=0.01,0.03; got 'lr'.")]
    [InlineData("--vary rate=0.1", "--vary: there is no option 'rate'")]
    [InlineData("--vary momentun=0.1", "there is no option 'momentun'; did you mean 'momentum'?")]
    [InlineData("--vary dataset=mnist,digits", "--vary cannot vary dataset: all runs of a sweep use the same data.")]
    [InlineData("--vary lr=0.1,0.1", "has a duplicate or an empty value")]
    [InlineData("--vary lr=0.1..0.2", "--vary lr gives a range, which needs --random.")]
    [InlineData("--vary lr=0.2..0.1 --random 2", "is not a range of numbers above 0. Give the lower number first")]
    [InlineData("--vary rule=A..B --random 2", "is not a range of numbers")]
    [InlineData("--vary lr=0.1 --vary lr=0.2", "--vary names lr twice.")]
    [InlineData("--vary lr=0.1 --lr 0.2", "--lr has a value and is varied too.")]
    [InlineData("--vary lr=0.1,fast", "--vary lr=fast: --lr must be a number above 0; got 'fast'.")]
    [InlineData("--vary layerwise=yes", "--vary layerwise takes true or false; got 'yes'.")]
    [InlineData("--vary seed=1,2 --seeds 2", "--seeds and --seed both choose the seeds of the runs.")]
    [InlineData("--vary rule=BP --passes 2", "--vary rule=BP: --passes does not apply to --rule BP.")]
    [InlineData("", "'onward sweep' needs --vary.")]
    public void What_makes_no_sense_is_refused(string options, string expected) =>
        _workplace.Refuse($"{Small} {options}".TrimEnd(), expected);

    // Before the first run, not after it.
    [Fact]
    public void A_setting_that_the_images_cannot_fill_is_refused() =>
        _workplace.Refuse(
            "sweep --data {data} --model S/1/1 --epochs 1 --vary batch-size=16,65", "--batch-size 65 is more than the 64 training images.");

    [Fact]
    public void What_has_ended_is_known_by_its_own_objective()
    {
        const string Both = $"{Small} --vary objective=supervised,contrastive --out s";
        _workplace.Run(Both);

        Assert.Equal(0, _workplace.Run(Both).Code);
    }

    [Fact]
    public void A_scan_suggests_a_rate_and_draws_how_it_came_to_it()
    {
        Workplace.Result people = _workplace.Run($"{Scan} --out rates");
        JsonNode programs = JsonNode.Parse(_workplace.Run($"{Scan} --json").Out)!;

        string[] lines = File.ReadAllLines(_workplace["work/rates/find-lr.csv"]);
        Assert.Equal(0, people.Code);
        Assert.Equal("step,learning_rate,loss,smoothed_loss", lines[0]);
        Assert.Equal((int)programs["steps"]!, lines.Length - 1);
        Assert.InRange((double)programs["suggested"]!, 0.001, 0.5);
        Assert.Contains(
            people.OutLines, line => line.StartsWith($"Start with --lr {(double)programs["suggested"]!}, ", StringComparison.Ordinal));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(_workplace["work/rates/find-lr.png"])[..4]);
    }

    [Fact]
    public void A_scan_that_finds_nothing_says_so()
    {
        Workplace.Result result = _workplace.Run($"{Scan} --from 1e-9 --to 1e-8");

        Assert.Equal(0, result.Code);
        Assert.StartsWith("No suggestion: the loss did not fall clearly in 40 steps.", result.OutLines[^1]);
    }

    [Theory]
    [InlineData("--from 1 --to 0.1", "--to 0.1 is not above --from 1.")]
    [InlineData("--lr 0.1", "'onward find-lr' has no option '--lr'")]
    [InlineData("--from 0", "--from must be a number above 0; got '0'.")]
    public void A_scan_refuses_what_makes_no_sense(string options, string expected) => _workplace.Refuse($"{Scan} {options}", expected);

    public void Dispose() => _workplace.Dispose();
}
