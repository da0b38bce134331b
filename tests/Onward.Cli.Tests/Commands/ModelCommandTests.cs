using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>Export, inspect and doctor.</summary>
public sealed class ModelCommandTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 1 --out run";

    private readonly Workplace _workplace = new();

    [Fact]
    public void Export_writes_one_file_and_tells_what_goes_in_and_out()
    {
        _workplace.Run(Small);
        File.WriteAllText(_workplace["work/model.onnx"], "older");

        JsonNode outcome = JsonNode.Parse(Assert.Single(_workplace.Run("export run model.onnx --json").OutLines))!;
        Workplace.Result table = _workplace.Run("export run model.onnx");

        Assert.Equal(_workplace["work/model.onnx"], (string)outcome["file"]!);
        Assert.Equal(new FileInfo(_workplace["work/model.onnx"]).Length, (long)outcome["bytes"]!);
        Assert.Equal(("image", 17), ((string)outcome["input"]!, (int)outcome["operatorSet"]!));
        Assert.Equal([28, 28, 1], outcome["inputSizes"]!.AsArray().Select(size => (int)size!));
        Assert.Equal(["probabilities", "logits", "block_0_logits"], outcome["outputs"]!.AsArray().Select(name => (string)name!));
        Assert.Equal(["model.onnx", "run"], Directory.EnumerateFileSystemEntries(_workplace["work"]).Select(Path.GetFileName).Order());
        Assert.Contains("image, float32 [N, 28, 28, 1], 0 to 255, grey", table.Out);
    }

    [Theory]
    [InlineData("export", "'onward export' needs a RUN")]
    [InlineData("export run", "'onward export' needs a FILE: the file to write")]
    [InlineData("export run a.onnx b.onnx", "'onward export' takes one RUN and one FILE; 'b.onnx' is a second FILE")]
    [InlineData("export absent a.onnx", "absent: no such folder. Name the folder of a run")]
    [InlineData("export run absent/a.onnx", "a.onnx: the folder does not exist. Create it, or name another file.")]
    [InlineData("export run run", "run is a folder. Name a file, such as ")]
    [InlineData("export run run/config.json/a.onnx", "a.onnx")]
    [InlineData("inspect", "'onward inspect' needs a MODEL: a preset (S/1/1,")]
    [InlineData("inspect M/8/17", "M/8/17: no such file, folder or preset; did you mean 'M/8/16'? Name S/1/1,")]
    [InlineData("inspect {data}", "no config.json in it. Name the folder of a run")]
    [InlineData("inspect run/config.json", "config.json: no model. If it describes a network, write --network run/config.json.")]
    [InlineData("doctor --threads 0", "--threads must be a whole number from 1 to 1024; got '0'")]
    public void What_is_wrong_is_told_in_one_line_and_leaves_nothing(string command, string expected)
    {
        _workplace.Run(Small);

        _workplace.Refuse(command, expected);
    }

    [Fact]
    public void Inspect_adds_up_to_what_the_paper_says_of_a_preset()
    {
        JsonNode outline = JsonNode.Parse(Assert.Single(_workplace.Run("inspect m/8/16 --json").OutLines))!;
        JsonNode[] layers = [.. outline["layers"]!.AsArray().Select(layer => layer!)];
        string[] table = _workplace.Run("inspect M/8/16").OutLines;

        Assert.Equal((918_770, 4096), ((long)outline["parameters"]!, (long)outline["localLosses"]!));
        Assert.Equal(918_770, layers.Sum(layer => (long)layer["parameters"]!));
        Assert.Equal(4096, layers.Sum(layer => (long?)layer["localLosses"] ?? 0));
        Assert.Equal((double)outline["mflopWithHeads"]!, layers.Sum(layer => (double)layer["mflop"]!), 1e-6);
        Assert.Equal(16, layers.Length);
        Assert.Equal(("blocks.1.token", "patches"), ((string)layers[3]["layer"]!, (string)layers[3]["kind"]!));
        Assert.Equal("M/8/16; images of 32x32x3 in 10 classes", table[0]);
        Assert.Equal(16 + 4, table.Length);
        Assert.Matches("^total +918,770 +124.8 +4,096$", table[^2]);
    }

    [Fact]
    public void Inspect_reads_runs_and_files_with_convolution_pooling_and_projections()
    {
        Workplace.Result trained = _workplace.Run(
            "train --data {data} --model M/8/16 --mixer conv --downsample 2,1,1,1 --objective contrastive --projection 8 "
            + "--batch-size 32 --epochs 1 --out run");
        Assert.Equal(0, trained.Code);

        JsonNode run = JsonNode.Parse(_workplace.Run("inspect run --json").Out)!;
        JsonNode file = JsonNode.Parse(_workplace.Run("inspect run/model.safetensors --json").Out)!;

        Assert.Equal("M/8/16-conv3-down2.1.1.1, trained with LG-FG-A on mnist", (string)run["model"]!);
        Assert.Equal(run["layers"]!.ToJsonString(), file["layers"]!.ToJsonString());
        Assert.Equal((long)run["parameters"]!, run["layers"]!.AsArray().Sum(layer => (long)layer!["parameters"]!));
        Assert.Equal(
            ["pooling average", "patches 3x3", "channels", "channels of a group", "projection"],
            run["layers"]!.AsArray()
                .Where(layer => ((string)layer!["layer"]!).StartsWith("blocks.1.", StringComparison.Ordinal))
                .Select(layer => (string)layer!["kind"]!));
    }

    [Fact]
    public void Doctor_gives_every_finding_a_verdict_and_a_cure_where_one_is_needed()
    {
        JsonNode[] findings =
        [
            .. JsonNode.Parse(Assert.Single(_workplace.Run("doctor --threads 1 --json").OutLines))!.AsArray().Select(one => one!),
        ];
        Workplace.Result table = _workplace.Run("doctor --threads 1");

        Assert.Equal(
            [
                "processor",
                "vector units",
                "kernel width",
                "threads",
                "matrix product",
                "caches",
                "memory",
                ".NET",
                "OpenSSL",
                "mnist",
                "fashion-mnist",
                "cifar-10",
                "run folder",
            ],
            findings.Select(one => (string)one["what"]!));
        Assert.All(findings, one => Assert.Contains((string)one["verdict"]!, new[] { "good", "fair", "bad" }));
        Assert.All(findings, one => Assert.Equal((string)one["verdict"]! == "good", (string)one["cure"]! == ""));
        Assert.Equal((0, ""), (table.Code, table.Error));
        Assert.Equal(findings.Length + 1, table.OutLines.Length);
        Assert.Contains(
            table.OutLines,
            line => line.StartsWith("fair  mnist", StringComparison.Ordinal)
                && line.Contains("onward data download mnist", StringComparison.Ordinal));
    }

    [Fact]
    public void Doctor_finds_what_would_not_work()
    {
        File.WriteAllText(_workplace["work/taken"], "");

        string[] lines = _workplace.Run($"doctor --out taken/runs --threads {Environment.ProcessorCount + 1}").OutLines;

        Assert.Contains(
            lines,
            line => line.StartsWith("bad ", StringComparison.Ordinal)
                && line.EndsWith($"{_workplace["work/taken"]} is a file. Name another folder with --out", StringComparison.Ordinal));
        Assert.Contains(
            lines,
            line => line.StartsWith("fair", StringComparison.Ordinal)
                && line.EndsWith($"Use --threads {Environment.ProcessorCount}", StringComparison.Ordinal));
    }

    public void Dispose() => _workplace.Dispose();
}
