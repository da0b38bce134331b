using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Onward.Cli.Tests;

public sealed class ConfigurationFileTests : IDisposable
{
    private const string Options =
        "--model S/1/1 --data {data} --epochs 2 --batch-size 16 --threads 2 --lr 0.05 --warmup-epochs 0.5 --rule LG-FG-A "
        + "--perturbation rademacher --passes 2 --loss-scope block,patch --augment flip --seed 7";

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_file_and_the_command_line_train_the_same_run()
    {
        Write("""
            {
              "$schema": "train.schema.json", "model": "s/1/1", "data": "DATA", "epochs": 2, "batch-size": 16, /* a note */ "threads": 2,
              "lr": 5e-2, "warmup-epochs": 0.5, "rule": "LG-FG-A", "perturbation": "rademacher", "passes": 2,
              "loss-scope": ["block", "patch"], "augment": "flip", "layerwise": false, "seed": "7",
            }
            """);

        Assert.Equal(0, _workplace.Run($"train {Options} --out {{path}}/a").Code);
        Assert.Equal(0, _workplace.Run("train --config {path}/o.json --out {path}/b").Code);

        Assert.Equal(File.ReadAllText(_workplace["a/config.json"]), File.ReadAllText(_workplace["b/config.json"]));
        Assert.Equal(File.ReadAllBytes(_workplace["a/model.safetensors"]), File.ReadAllBytes(_workplace["b/model.safetensors"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData(Options)]
    [InlineData("--model M/8/16 --rule BP --recompute --dataset digits --momentum .5 --schedule constant")]
    [InlineData(
        "--objective contrastive --projection 8 --temperature 0.3 --optimizer lars --dataset cifar-10 --model M/8/16 --layerwise "
        + "--readout-lr 0.1")]
    [InlineData(
        "--model M/8/16 --downsample 1,2,1,1 --pooling maximum --overlap --rule LG-BP --mixer conv --kernel-side 5 --validation 5 "
        + "--checkpoint-minutes 3 --keep 4")]
    [InlineData("--optimizer muon --beta2 0.99 --clip-norm 2.5")]
    public void A_dumped_file_says_what_was_dumped(string options)
    {
        Workplace.Result dumped = _workplace.Run($"train {options} --dump-config".Replace("  ", " ", StringComparison.Ordinal));
        Assert.Equal(0, dumped.Code);
        Write(dumped.Out);

        Assert.Equal(dumped.Out, _workplace.Run("train --config {path}/o.json --dump-config").Out);
        Assert.Empty(_workplace.Left);
    }

    [Fact]
    public void Defaults_are_dumped_as_what_they_come_to()
    {
        JsonNode dumped = JsonNode.Parse(_workplace.Run("train --model S/1/1 --dump-config").Out)!;

        Assert.Equal(
            ("LG-FG-A", 300, 0.02, "cosine"),
            ((string)dumped["rule"]!, (int)dumped["epochs"]!, (double)dumped["lr"]!, (string)dumped["schedule"]!));
    }

    // With local losses it is that of a gradient with little noise.
    [Theory]
    [InlineData("--model M/1/16", 0.1)]
    [InlineData("--model M/1/16 --lr 0.2", 0.2)]
    [InlineData("--model M/8/16 --objective contrastive", 0.5)]
    [InlineData("--model M/1/16 --rule FG-A", 0.01)]
    public void A_control_variate_has_a_default_rate_of_its_own(string options, double rate)
    {
        JsonNode dumped = JsonNode.Parse(_workplace.Run($"train {options} --control-variate learned-feedback --dump-config").Out)!;

        Assert.Equal(rate, (double)dumped["lr"]!);
    }

    [Theory]
    [InlineData("~/absent/mnist", "absent/mnist")]
    [InlineData("~", "")]
    [InlineData("./~/absent", null)]
    [InlineData("~absent", null)]
    public void The_head_of_a_path_may_stand_for_the_home_folder(string path, string? below)
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string expected = below is null ? Path.Combine(_workplace["work"], path) : home + (below.Length > 0 ? $"/{below}" : "");
        Write($$"""{ "data": "{{path}}", "dataset": "mnist", "model": "S/1/1" }""");

        Workplace.Result file = _workplace.Run("train --config {path}/o.json");
        Workplace.Result words = _workplace.Run($"train --dataset mnist --model S/1/1 --data={path}");

        Assert.Equal((2, 2), (file.Code, words.Code));
        Assert.Contains(expected, file.Error);
        Assert.Equal(file.Error, words.Error);
    }

    [Theory]
    [InlineData("--epochs 3")]
    [InlineData("--epochs=3")]
    public void The_command_line_goes_before_the_file(string given)
    {
        Write("""{ "epochs": 5, "lr": 0.5 }""");

        JsonNode dumped = JsonNode.Parse(_workplace.Run($"train {given} --config={{path}}/o.json --dump-config").Out)!;
        Assert.Equal((3, 0.5), ((int)dumped["epochs"]!, (double)dumped["lr"]!));
    }

    [Theory]
    [InlineData(
        """{ "epoch": 5 }""",
        "there is no option 'epoch'; did you mean 'epochs'? Keys are options of 'onward train' without the leading dashes.")]
    [InlineData("""{ "json": true }""", "there is no option 'json'.")]
    [InlineData("""{ "lr": "fast" }""", "--lr must be a number above 0; got 'fast'.")]
    [InlineData("""{ "lr": -1 }""", "--lr must be a number above 0; got '-1'.")]
    [InlineData("""{ "epochs": 1.5 }""", "--epochs must be a whole number from 1 to 1000000; got '1.5'.")]
    [InlineData("""{ "layerwise": "yes" }""", "layerwise takes true or false; got '\"yes\"'.")]
    [InlineData("""{ "lr": { "peak": 1 } }""", "lr takes a value, not an object.")]
    [InlineData("""[1]""", "is not one JSON object.")]
    [InlineData("""{ "lr": 0.1, "lr": 0.2 }""", "invalid JSON, or a duplicate key.")]
    [InlineData("{\n \"lr\": 0.1,\n oops }", ", line 3: invalid JSON")]
    [InlineData("""{ "rule": "BP", "passes": 2 }""", "--passes does not apply to --rule BP.")]
    [InlineData("""{ "model": "\ud800" }""", "o.json: a text in it is not valid Unicode.")]
    [InlineData("""{ "\ud800": 1 }""", "o.json: a text in it is not valid Unicode.")]
    [InlineData("""{ "lr": "\u001b[2J\u2028\n" }""", "--lr must be a number above 0; got '\\u001B[2J\\u2028\\u000A'.")]
    public void A_wrong_file_is_refused_in_one_line(string content, string fault)
    {
        Write(content);
        _workplace.Refuse("train --config {path}/o.json", fault);
    }

    [Fact]
    public void A_missing_file_is_refused_in_one_line() => _workplace.Refuse("train --config nowhere.json", "nowhere.json cannot be read");

    [Fact]
    public void The_published_schema_is_that_of_the_options()
    {
        Command root = HelpText.CreateRoot(new Host { Out = TextWriter.Null, Error = TextWriter.Null });
        Command train = root.Subcommands.Single(command => command.Name == "train");
        string schema = ConfigurationFile.Schema(train, train.Options.Where(ConfigurationFile.MayBeIn));
        string actual = Path.Combine(AppContext.BaseDirectory, "train.schema.json");
        File.WriteAllText(actual, schema + "\n");

        Assert.True(
            File.ReadAllText(Checkout.PathOf("docs", "train.schema.json")).ReplaceLineEndings("\n").TrimEnd()
                == schema.ReplaceLineEndings("\n"),
            $"docs/train.schema.json is not the schema of the options; {actual} is.");
        using JsonDocument parsed = JsonDocument.Parse(schema);
        JsonElement properties = parsed.RootElement.GetProperty("properties");
        JsonElement rules = properties.GetProperty("rule").GetProperty("enum");
        Assert.Equal("integer", properties.GetProperty("epochs").GetProperty("type").GetString());
        Assert.Contains("LG-FG-A", rules.EnumerateArray().Select(name => name.GetString()));
    }

    public void Dispose() => _workplace.Dispose();

    private void Write(string content) =>
        File.WriteAllText(_workplace["o.json"], content.Replace("DATA", _workplace.Data, StringComparison.Ordinal));
}
