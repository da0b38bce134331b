using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

/// <summary>Runs of earlier versions, and runs whose files are damaged.</summary>
public sealed class OldRunTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2";

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_run_of_before_there_was_overlap_can_still_be_read()
    {
        _workplace.Run($"{Small} --out run");
        string path = _workplace["work/run/config.json"];
        JsonObject configuration = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.True(configuration.Remove("overlap") && configuration.Remove("layerwise") && configuration.Remove("readoutRateScale"));
        File.WriteAllText(path, configuration.ToJsonString());

        Assert.Equal(0, _workplace.Run("eval --run run").Code);
    }

    [Fact]
    public void A_run_that_left_out_what_has_gone_since_can_still_be_read_and_one_that_used_it_is_refused()
    {
        _workplace.Run($"{Small} --out run");
        string path = _workplace["work/run/config.json"];
        JsonObject configuration = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Workplace.Result With(string name, JsonNode value)
        {
            JsonObject old = configuration.DeepClone().AsObject();
            (old["similarity"], old["overlap"]) = (0, false);
            old[name] = value;
            File.WriteAllText(path, old.ToJsonString());
            return _workplace.Run("eval --run run");
        }

        Assert.False(configuration.ContainsKey("similarity"));
        Assert.Equal(0, With("similarity", 0.0).Code);
        Refuse("similarity", 0.5, "--similarity");
        Refuse("overlap", true, "--overlap with --rule LG-FG-A");
        Refuse("rule", "LG-FD-A", "--rule LG-FD-A");

        void Refuse(string name, JsonNode value, string said)
        {
            string line = Assert.Single(With(name, value).ErrorLines);
            Assert.Contains($"run was begun with {said}, which this version no longer has. ", line, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Runs_of_versions_that_knew_no_convolution_are_read()
    {
        _workplace.Run($"{Small} --out run");
        string configuration = _workplace["work/run/config.json"];
        JsonObject run = JsonNode.Parse(File.ReadAllText(configuration))!.AsObject();
        Assert.True(run.Remove("mixer") && run.Remove("kernelSide") && run.Remove("scaling"));
        File.WriteAllText(configuration, run.ToJsonString());

        Workplace.Result result = _workplace.Run("eval --run run");

        Assert.Equal((0, "S/1/1 trained with LG-FG-A on mnist; errors on mnist"), (result.Code, result.OutLines[0]));
    }

    [Fact]
    public void A_damaged_run_is_told_in_one_line()
    {
        _workplace.Run($"{Small} --out run");
        string configuration = _workplace["work/run/config.json"], model = _workplace["work/run/model.safetensors"];
        string text = File.ReadAllText(configuration);
        byte[] bytes = File.ReadAllBytes(model);

        File.WriteAllText(configuration, text[..100]);
        _workplace.Refuse("eval --run run", $"{configuration}: damaged near line ");
        File.WriteAllText(configuration, "null");
        _workplace.Refuse("eval --run run", $"{configuration}: damaged");
        (string, string)[] damages =
        [
            ("\"mnist\"", "\"cifar\""), ("\"mnist\"", "null"), ("\"validation\": 0", "\"validation\": -1"),
            ("\"seed\": 1", "\"sed\": 1"), ("\"cosine\"", "1"),
        ];
        foreach ((string from, string to) in damages)
        {
            File.WriteAllText(configuration, text.Replace(from, to, StringComparison.Ordinal));
            _workplace.Refuse("eval --run run", $"{configuration}: damaged");
        }

        File.WriteAllText(configuration, text);
        File.WriteAllBytes(model, bytes[..5000]);
        _workplace.Refuse("eval --run run", $"{model}: tensor ");
        File.Delete(model);
        _workplace.Refuse("eval --run run", $"{model}: no such file");
    }

    public void Dispose() => _workplace.Dispose();
}
