using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>Damaged files in a run folder. Each is reported in one line when it is read.</summary>
public sealed class DamagedRunTests : IDisposable
{
    private readonly Workplace _workplace = new();

    public DamagedRunTests() =>
        Assert.Equal(
            0, _workplace.Run("train --data {data} --model S/1/1 --batch-size 16 --epochs 2 --measure-gradients 1 --out run").Code);

    private string Metrics => _workplace["work/run/metrics.csv"];

    private string Result => _workplace["work/run/result.json"];

    [Theory]
    [InlineData("", "the column epoch is missing.")]
    [InlineData("epoch,epoch", "two columns are named 'epoch'.")]
    [InlineData("{header},x\n{first}", "line 2: fewer than 14 values.")]
    [InlineData("{header}\n{first},1", "line 2: more than 13 values.")]
    [InlineData("{header}\n{second}", "line 2: epoch is '2', not 1.")]
    [InlineData("{header}\n{first}\n{first}", "line 3: epoch is '1', not 2.")]
    [InlineData("{header}\n{first}\n{second}\n3,{rest}", "it has 3 epochs of a run of 2.")]
    [InlineData("{train_error}=101", "line 2: train_error is '101', not a percentage.")]
    [InlineData("{test_error}=1e308", "line 2: test_error is '1e308', not a percentage.")]
    [InlineData("{test_error}=NaN", "line 2: test_error is 'NaN', not a percentage.")]
    [InlineData("{train_loss}=x", "line 2: train_loss is 'x', not a number.")]
    [InlineData("{learning_rate}=-1", "line 2: learning_rate is '-1', not a learning rate.")]
    [InlineData("{images_per_second}=-1", "line 2: images_per_second is '-1', not a speed.")]
    [InlineData("{seconds}=1e300", "line 2: seconds is '1e300', not a time.")]
    [InlineData("{block_0_exact_norm}=", "line 2: block_0_exact_norm is '', not a number.")]
    public void Damaged_metrics_are_told_in_one_line(string change, string expected)
    {
        Write(change);

        _workplace.Refuse("report run", $"{Metrics}: damaged: {expected}");
        JsonNode row = JsonNode.Parse(_workplace.Run("runs . --json").Out)!;
        Assert.Equal(("damaged", true), ((string)row["state"]!, ((string)row["fault"]!).Contains(expected, StringComparison.Ordinal)));
    }

    [Fact]
    public void Columns_that_are_missing_too_many_or_of_another_network_are_told()
    {
        string[] lines = File.ReadAllLines(Metrics);
        foreach (string column in lines[0].Split(',').Where(name => name is not ("block_0_gradient_norm" or "block_0_loss" or "advice")))
        {
            File.WriteAllLines(Metrics, [lines[0].Replace(column, "other", StringComparison.Ordinal), .. lines[1..]]);
            _workplace.Refuse("report run", $"{Metrics}: damaged: the column {column} is missing.");
        }

        File.WriteAllText(Metrics, string.Join(',', Enumerable.Range(0, 1001)) + "\n");
        _workplace.Refuse("report run", $"{Metrics}: damaged: more than 1000 columns.");
        File.WriteAllLines(
            Metrics, [lines[0] + ",block_1_loss,block_1_gradient_norm,block_1_exact_norm,block_1_cosine", lines[1] + ",1,1,1,1"]);
        _workplace.Refuse("report run", $"{Metrics}: damaged: it has losses of 2 blocks of a network of 1.");
        using (FileStream file = File.Create(Metrics))
        {
            file.SetLength(10_000_000_000);
        }

        _workplace.Refuse("report run", $"{Metrics}: damaged: it is larger than 128 MB.");
        File.Delete(Result);
        Directory.Delete(_workplace["work/run/checkpoints"], recursive: true);
        Directory.CreateDirectory(_workplace["work/run/checkpoints"]);
        _workplace.Refuse("train --resume run", $"{Metrics}: damaged: it is larger than 128 MB.");
    }

    [Theory]
    [InlineData("trainError", "-1")]
    [InlineData("testError", "100.5")]
    [InlineData("testError", "1e999")]
    [InlineData("testError", "null")]
    [InlineData("bestEpoch", "0")]
    [InlineData("bestEpoch", "3")]
    [InlineData("bestEpoch", "null")]
    [InlineData("bestTestError", "-1")]
    [InlineData("blockTestErrors", "[1e308]")]
    [InlineData("blockTestErrors", "[1,2]")]
    [InlineData("imagesPerSecond", "-1")]
    [InlineData("activationMB", "1e999")]
    [InlineData("seconds", "1e30")]
    [InlineData("epochs", "-3")]
    [InlineData("epochs", "3")]
    [InlineData("divergence", "\"why\"")]
    public void A_damaged_result_is_told_in_one_line(string name, string value)
    {
        JsonObject result = JsonNode.Parse(File.ReadAllText(Result))!.AsObject();
        result[name] = "here";
        File.WriteAllText(Result, result.ToJsonString().Replace("\"here\"", value, StringComparison.Ordinal));

        _workplace.Refuse("report run", $"{Result}: damaged");
    }

    [Theory]
    [InlineData("\"why\"", "5")]
    [InlineData("\"a\\nb\"", "null")]
    public void Result_of_a_run_that_diverged_has_no_errors_and_a_reason_of_one_line(string divergence, string testError)
    {
        JsonObject result = JsonNode.Parse(File.ReadAllText(Result))!.AsObject();
        foreach (string name in new[] { "trainError", "imagesPerSecond", "seconds" })
        {
            result[name] = null;
        }

        (result["divergence"], result["testError"]) = (JsonNode.Parse(divergence), JsonNode.Parse(testError));
        File.WriteAllText(Result, result.ToJsonString());

        _workplace.Refuse("report run", $"{Result}: damaged");
    }

    [Fact]
    public void Losses_of_any_size_and_none_at_all_are_shown()
    {
        string[] lines = File.ReadAllLines(Metrics);
        string[] names = lines[0].Split(',');
        (string, string)[] losses =
        [
            ("100000000000000000000", "100000000000000000001"), ("1e308", "-1e308"), ("NaN", "Infinity"), ("1e-320", "1e20"),
        ];
        foreach ((string first, string second) in losses)
        {
            File.WriteAllLines(Metrics, [lines[0], With(first, lines[1]), With(second, lines[2])]);

            Assert.Equal(0, _workplace.Run("report run").Code);
            Assert.InRange(new FileInfo(_workplace["work/run/report.html"]).Length, 1000, 200_000);
        }

        string With(string loss, string line) =>
            string.Join(',', line.Split(',').Select((cell, i) => IsLossOrNorm(names[i]) ? loss : cell));

        static bool IsLossOrNorm(string name) =>
            name.EndsWith("_loss", StringComparison.Ordinal) || name.EndsWith("_norm", StringComparison.Ordinal);
    }

    public void Dispose() => _workplace.Dispose();

    private void Write(string change)
    {
        string[] lines = File.ReadAllLines(Metrics);
        if (change.StartsWith('{') && change.Split("}=") is [string name, string value])
        {
            string[] cells = lines[1].Split(',');
            cells[Array.IndexOf(lines[0].Split(','), name[1..])] = value;
            lines[1] = string.Join(',', cells);
            File.WriteAllLines(Metrics, lines);
            return;
        }

        File.WriteAllText(
            Metrics,
            change.Replace("{header}", lines[0], StringComparison.Ordinal).Replace("{first}", lines[1], StringComparison.Ordinal)
                .Replace("{second}", lines[2], StringComparison.Ordinal).Replace("{rest}", lines[2][2..], StringComparison.Ordinal) + "\n");
    }
}
