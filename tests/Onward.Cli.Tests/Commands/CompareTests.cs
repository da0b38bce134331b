using System.Buffers.Binary;
using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class CompareTests : IDisposable
{
    private const string Small = "compare --data {data} --model S/1/1 --batch-size 16 --epochs 2 --threads 1";

    private static readonly string[] Files = ["comparison.csv", "comparison.md", "comparison.png"];

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_comparison_leaves_a_table_a_plot_and_a_folder_for_each_run()
    {
        Workplace.Result result = _workplace.Run($"{Small} --rules LG-FG-A,BP --seeds 2 --lr LG-FG-A=0.015");

        string folder = _workplace["work/compare/mnist-S-1-1"];
        string[] table = File.ReadAllLines(Path.Combine(folder, "comparison.md"));
        string[] csv = File.ReadAllLines(Path.Combine(folder, "comparison.csv"));
        Assert.Equal(0, result.Code);
        Assert.Equal(Files, Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Equal(
            ["BP-seed1", "BP-seed2", "LG-FG-A-seed1", "LG-FG-A-seed2"], Directory.GetDirectories(folder).Select(Path.GetFileName).Order());
        Assert.Equal("# S/1/1 on mnist, 2 epochs", table[0]);
        Assert.Equal("| rule | test error | train error | lr | images/s | activations MB | seconds | paper |", table[2]);
        const string Errors = @"\d+\.\d\d ± \d+\.\d\d \| \d+\.\d\d ± \d+\.\d\d";
        Assert.Matches($@"^\| LG-FG-A \| {Errors} \| 0\.015 \| [\d,]+ \| \d+\.\d \| \d+\.\d \| 3\.24 / 1\.53 \|$", table[4]);
        Assert.EndsWith("| 2.66 / 0.00 |", table[5]);
        Assert.Contains("seeds 1 to 2: mean ± standard deviation", table[7]);
        Assert.Equal(3, csv.Length);
        Assert.All(csv, line => Assert.Equal(13, line.Split(',').Length));
        Assert.Equal(4, result.ErrorLines.Count(line => line.Contains(": test error ", StringComparison.Ordinal)));
        Assert.Matches("^rule +test error +train error +lr +images/s +activations MB +seconds +paper$", result.OutLines[1]);
    }

    [Fact]
    public void The_plot_is_a_picture_to_look_at()
    {
        _workplace.Run($"{Small} --rules LG-FG-A,BP --seeds 1");

        byte[] png = File.ReadAllBytes(_workplace["work/compare/mnist-S-1-1/comparison.png"]);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A], png[..8]);
        Assert.Equal(
            (1200, 750), (BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(16)), BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(20))));
        Assert.InRange(png.Length, 10_000, 500_000);
    }

    [Fact]
    public void A_second_call_trains_nothing_and_says_the_same()
    {
        Workplace.Result first = _workplace.Run($"{Small} --rules LG-FG-A,BP --seeds 2 --json");
        byte[][] files = [.. Files.Select(Read)];
        DateTime trained = File.GetLastWriteTimeUtc(_workplace["work/compare/mnist-S-1-1/BP-seed2/model.safetensors"]);

        Workplace.Result second = _workplace.Run($"{Small} --rules LG-FG-A,BP --seeds 2 --json");

        Assert.Equal((0, first.Out), (second.Code, second.Out));
        Assert.Equal(files, Files.Select(Read));
        Assert.Equal(trained, File.GetLastWriteTimeUtc(_workplace["work/compare/mnist-S-1-1/BP-seed2/model.safetensors"]));
        Assert.DoesNotContain("training", second.Error);
        Assert.All(second.ErrorLines, line => Assert.Contains("ended before", line));

        byte[] Read(string name) => File.ReadAllBytes(_workplace[$"work/compare/mnist-S-1-1/{name}"]);
    }

    [Fact]
    public void A_comparison_of_before_runs_kept_their_classes_goes_on()
    {
        _workplace.Run($"{Small} --rules BP --seeds 1");
        string path = _workplace["work/compare/mnist-S-1-1/BP-seed1/config.json"];
        JsonObject configuration = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(configuration.Remove("images"));
        File.WriteAllText(path, configuration.ToJsonString());

        Workplace.Result resumed = _workplace.Run($"{Small} --rules BP --seeds 1");

        Assert.Equal(0, resumed.Code);
        Assert.All(resumed.ErrorLines, line => Assert.Contains("ended before", line));
    }

    [Fact]
    public void An_interrupted_comparison_goes_on_where_it_was()
    {
        Workplace.Result interrupted = _workplace.Run(
            $"{Small} --rules BP,DFA --seeds 1 --out both", interruptAt: "run 2 of 2, DFA-seed1: training");
        Workplace.Result resumed = _workplace.Run($"{Small} --rules BP,DFA --seeds 1 --out both");
        _workplace.Run($"{Small} --rules DFA --seeds 1 --out alone");

        Assert.Equal((130, ""), (interrupted.Code, interrupted.Out));
        Assert.Equal("onward: interrupted; 1 of 2 runs have ended. Give the same command again to go on.", interrupted.ErrorLines[^1]);
        Assert.Equal(0, resumed.Code);
        Assert.StartsWith("run 1 of 2, BP-seed1: ended before, ", resumed.ErrorLines[0]);
        Assert.Equal(
            File.ReadAllBytes(_workplace["work/alone/DFA-seed1/model.safetensors"]),
            File.ReadAllBytes(_workplace["work/both/DFA-seed1/model.safetensors"]));
    }

    [Fact]
    public void A_run_without_a_result_is_started_anew()
    {
        _workplace.Run($"{Small} --rules BP --seeds 1 --out c");
        File.Delete(_workplace["work/c/BP-seed1/result.json"]);

        Workplace.Result again = _workplace.Run(
            $"{Small} --rules BP --seeds 1 --out c --epochs 3".Replace("--epochs 2 ", "", StringComparison.Ordinal));

        Assert.Equal(0, again.Code);
        Assert.Equal(4, File.ReadAllLines(_workplace["work/c/BP-seed1/metrics.csv"]).Length);
    }

    [Fact]
    public void Runs_with_other_options_are_not_mixed()
    {
        _workplace.Run($"{Small} --rules BP,FA --seeds 1 --out c --lr FA=0.01");

        _workplace.Refuse(
            $"{Small} --rules BP,FA --seeds 1 --out c --lr FA=0.05",
            "c/FA-seed1 was trained with learningRate 0.01, but now learningRate is 0.05. Name another folder with --out");
        _workplace.Refuse(
            $"{Small} --rules BP --seeds 2 --validation 8 --out c", "c/BP-seed1 was trained with validation 0, but now validation is 8");
    }

    [Fact]
    public void A_damaged_run_is_told_in_one_line()
    {
        _workplace.Run($"{Small} --rules BP --seeds 1 --out c");
        string metrics = _workplace["work/c/BP-seed1/metrics.csv"], result = _workplace["work/c/BP-seed1/result.json"];
        File.WriteAllLines(metrics, File.ReadAllLines(metrics)[..2]);

        _workplace.Refuse(
            $"{Small} --rules BP --seeds 1 --out c",
            "its metrics hold 1 of 2 epochs. Move the folder elsewhere and give the command again to train it again");
        File.WriteAllText(result, "{}");
        _workplace.Refuse($"{Small} --rules BP --seeds 1 --out c", $"{result}: damaged");
    }

    [Fact]
    public void A_rule_that_diverges_is_shown_and_ends_nothing()
    {
        string command = $"{Small} --rules FG-W,BP --seeds 2 --lr FG-W=1e38 --out c";
        Workplace.Result result = _workplace.Run(command);
        Workplace.Result json = _workplace.Run($"{command} --json");

        JsonNode rules = JsonNode.Parse(Assert.Single(json.OutLines))!["rules"]!;
        Assert.Equal(0, result.Code);
        Assert.Matches(@"^FG-W +diverged +diverged +1E\+38 +- +\d", result.OutLines[2]);
        Assert.Matches(@"^BP +\d", result.OutLines[3]);
        Assert.Contains("run 1 of 4, FG-W-seed1: diverged", result.Error);
        Assert.Equal((2, null), ((int)rules[0]!["diverged"]!, (double?)rules[0]!["testError"]));
        Assert.Equal((0, "BP"), ((int)rules[1]!["diverged"]!, (string?)rules[1]!["rule"]));
        Assert.NotNull(rules[1]!["testErrorDeviation"]);
        Assert.True(new FileInfo(_workplace["work/c/comparison.png"]).Length > 1000);
    }

    [Fact]
    public void Runs_with_overlap_are_not_mixed_with_runs_without()
    {
        const string Deep = "compare --data {data} --model M/8/16 --batch-size 16 --epochs 1 --rules LG-BP --seeds 1 --out c";
        _workplace.Run(Deep);

        _workplace.Refuse($"{Deep} --overlap", "LG-BP-seed1 was trained with overlap false, but now overlap is true");

        Assert.Equal(0, _workplace.Run($"{Deep}2 --overlap").Code);
        Assert.True((bool)JsonNode.Parse(File.ReadAllText(_workplace["work/c2/LG-BP-seed1/config.json"]))!["overlap"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" --objective contrastive --projection 8")]
    public void A_rule_is_compared_at_the_rate_that_train_gives_it(string objective)
    {
        _workplace.Run($"compare --data {{data}} --model S/1/1 --batch-size 16 --epochs 1 --rules BP --seeds 1 --out c{objective}");
        _workplace.Run($"train --data {{data}} --model S/1/1 --batch-size 16 --epochs 1 --rule BP --out run{objective}");

        Assert.Equal(RateOf("run"), RateOf("c/BP-seed1"));

        double RateOf(string folder) =>
            (double)JsonNode.Parse(File.ReadAllText(_workplace[$"work/{folder}/config.json"]))!["learningRate"]!;
    }

    [Fact]
    public void Validation_is_named_and_has_no_paper_beside_it()
    {
        Workplace.Result result = _workplace.Run($"{Small} --rules BP --seeds 1 --validation 16");

        Assert.Matches("^rule +validation error +train error +lr +images/s +activations MB +seconds$", result.OutLines[1]);
        Assert.DoesNotContain("test error", result.Out + result.Error);
    }

    [Fact]
    public void Two_comparisons_do_not_share_a_folder()
    {
        Directory.CreateDirectory(_workplace["work/c"]);
        using FileStream other = new(_workplace["work/c/.lock"], FileMode.CreateNew, FileAccess.Write, FileShare.None);

        _workplace.Refuse($"{Small} --rules BP --seeds 1 --out c", "another process trains runs there");
    }

    public void Dispose() => _workplace.Dispose();
}
