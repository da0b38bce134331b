using System.Globalization;
using System.Text.Json.Nodes;
using Onward.Models;
using Onward.Training;

namespace Onward.Cli.Tests;

public sealed class TrainTests : IDisposable
{
    private const string Small = "train --data {data} --model S/1/1 --batch-size 16 --epochs 2";

    private static readonly string[] ResultKeys =
    [
        "rule", "model", "dataset", "epochs", "parameters", "trainError", "contrastiveError", "testError", "bestEpoch", "bestTestError",
        "imagesPerSecond", "peakMemoryMB", "seconds", "advice", "run",
    ];

    private readonly Workplace _workplace = new();

    [Fact]
    public void A_run_leaves_its_configuration_its_metrics_and_its_model()
    {
        Workplace.Result result = _workplace.Run(Small);

        string folder = _workplace["work/runs/mnist-S-1-1-LG-FG-A-seed1"];
        string[] metrics = File.ReadAllLines(Path.Combine(folder, "metrics.csv"));
        JsonNode configuration = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!;
        LocalMixer model = ModelFile.Load(Path.Combine(folder, "model.safetensors"));
        Assert.Equal(0, result.Code);
        Assert.Equal(
            [".lock", "config.json", "metrics.csv", "model.safetensors", "result.json"],
            Directory.GetFiles(folder).Select(Path.GetFileName).Order());
        Assert.Equal(
            "epoch,learning_rate,train_loss,train_error,test_loss,test_error,block_0_loss,images_per_second,seconds,advice", metrics[0]);
        Assert.Equal(3, metrics.Length);
        Assert.All(metrics, line => Assert.Equal(10, line.Split(',').Length));
        Assert.Equal(
            (0.02, 16, 1UL, 64),
            (
                (double)configuration["learningRate"]!,
                (int)configuration["batchSize"]!,
                (ulong)configuration["seed"]!,
                (int)configuration["trainingImages"]!));
        Assert.Equivalent(LocalMixerPresets.Get("S/1/1", 28, 1, 10), model.Options, strict: true);
        Assert.Equal(2, result.ErrorLines.Count(line => line.StartsWith("epoch ", StringComparison.Ordinal)));
        Assert.Contains(result.OutLines, line => line.StartsWith("test error", StringComparison.Ordinal));
        Assert.Contains(folder, result.OutLines[^1]);
    }

    [Fact]
    public void Json_is_the_only_line_and_eval_finds_the_same_errors()
    {
        Workplace.Result result = _workplace.Run($"{Small} --json");

        string line = Assert.Single(result.OutLines);
        JsonObject outcome = JsonNode.Parse(line)!.AsObject();
        JsonNode again = JsonNode.Parse(_workplace.Run($"eval --run {outcome["run"]} --json").Out)!;
        Assert.Equal(ResultKeys, outcome.Select(pair => pair.Key));
        Assert.Equal(
            ("LG-FG-A", "S/1/1", "mnist", 2),
            ((string?)outcome["rule"], (string?)outcome["model"], (string?)outcome["dataset"], (int)outcome["epochs"]!));
        Assert.Equal(271_892, (int)outcome["parameters"]!);
        Assert.True((double)outcome["imagesPerSecond"]! > 0 && (double)outcome["peakMemoryMB"]! > 10);
        Assert.Equal((double)outcome["trainError"]!, (double)again["trainError"]!);
        Assert.Equal((double)outcome["testError"]!, (double)again["testError"]!);
    }

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
        Assert.Equal(
            augmentation == "none",
            File.ReadAllBytes(_workplace["work/run/model.safetensors"]).AsSpan().SequenceEqual(
                File.ReadAllBytes(_workplace["work/plain/model.safetensors"])));
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
        LocalMixerOptions options = ModelFile.Load(_workplace["work/run/model.safetensors"]).Options;
        Assert.Equal((8, Normalizations.None), (options.Projection, options.Normalizations & Normalizations.Inter));
        Assert.True((double)outcome["testError"]! < 100);
        Assert.Equal((double)outcome["testError"]!, (double)JsonNode.Parse(_workplace.Run("eval --run run --json").Out)!["testError"]!);
    }

    [Theory]
    [InlineData("--rule LG-FG-A --layerwise --passes 2", "layerwise")]
    [InlineData("--rule LG-BP --overlap", "overlap")]
    [InlineData("--rule LG-FA --overlap", "overlap")]
    public void Local_losses_take_further_forms_that_the_configuration_keeps(string options, string kept)
    {
        Assert.Equal(0, _workplace.Run($"train --data {{data}} --model M/8/16 --batch-size 16 --epochs 1 --out run {options}").Code);

        JsonNode configuration = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        Assert.Equal(
            kept.Split(','),
            new[] { "overlap", "layerwise" }.Where(name => (bool)configuration[name]!));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("--readout-scale 1", 1)]
    [InlineData("--readout-scale 0.1", 0.1)]
    public void The_rate_of_the_readout_is_kept_in_the_configuration_and_changes_the_readout(string options, double scale)
    {
        Assert.Equal(0, _workplace.Run($"{Small} --out plain").Code);
        Assert.Equal(0, _workplace.Run($"{Small} --out run {options}".TrimEnd()).Code);

        LocalMixer plain = ModelFile.Load(
            _workplace["work/plain/model.safetensors"]), model = ModelFile.Load(_workplace["work/run/model.safetensors"]);
        Assert.Equal(scale, (double)JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!["readoutRateScale"]!);
        Assert.Equal(plain.Values[plain.Blocks[0].Layers[0].Weight], model.Values[model.Blocks[0].Layers[0].Weight]);
        Assert.Equal(scale == 1, plain.Values[plain.Readout.Weight].SequenceEqual(model.Values[model.Readout.Weight]));
    }

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

        void Refuse(string name, JsonNode value, string said) => Assert.Contains(
            $"run was begun with {said}, which this version no longer has. ", Assert.Single(
                With(name, value).ErrorLines), StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_any_number_of_threads()
    {
        byte[][] models =
        [
            .. new[] { "--threads 1", "--threads 2", "--threads 3", "--threads 1 --seed 2" }.Select((options, i) =>
            {
                Assert.Equal(
                    0, _workplace.Run($"train --data {{data}} --model M/8/16 --batch-size 16 --epochs 1 --out run{i} {options}").Code);
                return File.ReadAllBytes(_workplace[$"work/run{i}/model.safetensors"]);
            }),
        ];

        Assert.Equal(models[0], models[1]);
        Assert.Equal(models[0], models[2]);
        Assert.NotEqual(models[0], models[3]);
    }

    [Fact]
    public void A_name_that_is_taken_gets_a_number()
    {
        foreach (string suffix in new[] { "", "-2", "-3" })
        {
            _workplace.Run(Small);

            Assert.True(File.Exists(_workplace[$"work/runs/mnist-S-1-1-LG-FG-A-seed1{suffix}/config.json"]));
        }
    }

    [Fact]
    public void Validation_takes_the_place_of_the_test_set()
    {
        Workplace.Result trained = _workplace.Run($"{Small} --validation 16 --out run");
        Workplace.Result json = _workplace.Run("eval --run run --json");
        Workplace.Result table = _workplace.Run("eval --run run");

        Assert.Contains(trained.OutLines, line => line.StartsWith("validation error", StringComparison.Ordinal));
        Assert.DoesNotContain("test error", trained.Out + trained.Error);
        Assert.NotNull(JsonNode.Parse(json.Out)!["validationError"]);
        Assert.Contains(table.OutLines, line => line.Contains("validation", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_option_reaches_the_configuration()
    {
        _workplace.Run(
            "train --data {data} --dataset MNIST --model s/1/1 --rule lg-fg-a --perturbation rademacher --passes 2 --loss-scope block,group --epochs 3 "
            + "--batch-size 8 --lr 0.01 --momentum 0.5 --weight-decay 0 --schedule linear --warmup-epochs 0.5 --seed 18446744073709551615 --threads 2 --out run");

        JsonNode run = JsonNode.Parse(File.ReadAllText(_workplace["work/run/config.json"]))!;
        Assert.Equal(
            ("mnist", "S/1/1", "LG-FG-A", "rademacher", 2, "block, group"),
            (
                (string)run["dataset"]!,
                (string)run["model"]!,
                (string)run["rule"]!,
                (string)run["perturbation"]!,
                (int)run["passes"]!,
                (string)run["lossScope"]!));
        Assert.Equal(
            (3, 8, 0.01, 0.5, 0.0),
            (
                (int)run["epochs"]!,
                (int)run["batchSize"]!,
                (double)run["learningRate"]!,
                (double)run["momentum"]!,
                (double)run["weightDecay"]!));
        Assert.Equal(
            ("linear", 0.5, ulong.MaxValue, 2),
            ((string)run["schedule"]!, (double)run["warmupEpochs"]!, (ulong)run["seed"]!, (int)run["threads"]!));
    }

    [Fact]
    public void Convolution_names_the_run_and_comes_back_with_it()
    {
        Workplace.Result result = _workplace.Run(
            "train --data {data} --model M/8/16 --mixer conv --kernel-side 5 --batch-size 16 --epochs 1 --json");

        string folder = _workplace["work/runs/mnist-M-8-16-conv5-LG-FG-A-seed1"], configuration = Path.Combine(folder, "config.json");
        JsonNode outcome = JsonNode.Parse(result.Out)!, run = JsonNode.Parse(File.ReadAllText(configuration))!;
        LocalMixer model = ModelFile.Load(Path.Combine(folder, "model.safetensors"));
        JsonNode again = JsonNode.Parse(_workplace.Run($"eval --run {folder} --json").Out)!;
        Assert.Equal(("M/8/16", "depthwiseConvolution", 5), ((string)run["model"]!, (string)run["mixer"]!, (int)run["kernelSide"]!));
        Assert.Equal((TokenMixer.DepthwiseConvolution, 5), (model.Options.TokenMixer, model.Options.KernelSide));
        Assert.Equal(("M/8/16-conv5", "M/8/16-conv5"), ((string)outcome["model"]!, (string)again["model"]!));
        Assert.Equal((double)outcome["testError"]!, (double)again["testError"]!);
    }

    [Fact]
    public void Scaling_names_the_run_and_comes_back_with_it()
    {
        Workplace.Result result = _workplace.Run(
            "train --data {data} --model M/8/16 --downsample 2,1,2,1 --pooling maximum --channel-ratio 1,2,1,1 --group-ratio 1,2,1,1 --batch-size 16 --epochs 1 --json");

        string folder = _workplace["work/runs/mnist-M-8-16-down2.1.2.1max-wide1.2.1.1-groups1.2.1.1-LG-FG-A-seed1"];
        JsonNode outcome = JsonNode.Parse(result.Out)!, again = JsonNode.Parse(_workplace.Run($"eval --run {folder} --json").Out)!;
        LocalMixer model = ModelFile.Load(Path.Combine(folder, "model.safetensors"));
        Assert.Equal(
            [(64, 512, 16), (16, 512, 16), (16, 1024, 32), (4, 1024, 32)],
            model.Blocks.Select(block => (block.Patches, block.Channels, block.Groups)));
        Assert.Equal("M/8/16-down2.1.2.1max-wide1.2.1.1-groups1.2.1.1", (string)again["model"]!);
        Assert.Equal((double)outcome["testError"]!, (double)again["testError"]!);
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
    public void An_interrupted_run_tells_where_its_model_lies()
    {
        Workplace.Result result = _workplace.Run(
            "train --data {data} --model S/1/1 --batch-size 16 --epochs 1000 --out run", interruptAt: "epoch 2/1000");

        Assert.Equal(130, result.Code);
        Assert.Equal(
            $"onward: interrupted; the model of epoch 2 of 1000 is {_workplace["work/run/model.safetensors"]}. Go on with 'onward train --resume {_workplace["work/run"]}'.",
            result.ErrorLines[^1]);
        Assert.Equal("", result.Out);
        Assert.Equal(3, File.ReadAllLines(_workplace["work/run/metrics.csv"]).Length);
        ModelFile.Load(_workplace["work/run/model.safetensors"]);
        Assert.False(File.Exists(_workplace["work/run/result.json"]));
    }

    [Fact]
    public void A_run_interrupted_at_once_has_no_model()
    {
        Workplace.Result result = _workplace.Run($"{Small} --out run", interruptAt: "training S/1/1");

        Assert.Equal(130, result.Code);
        Assert.Equal(
            $"onward: interrupted before the first epoch ended. Go on with 'onward train --resume {_workplace["work/run"]}'.",
            result.ErrorLines[^1]);
    }

    [Fact]
    public void A_run_that_diverges_ends_with_code_3_and_keeps_its_metrics()
    {
        Workplace.Result result = _workplace.Run($"{Small} --lr 1e38 --schedule constant --warmup-epochs 0 --out run");

        Assert.Equal(3, result.Code);
        Assert.StartsWith("onward: Training diverged: the loss is not a finite number at step ", result.ErrorLines[^1]);
        Assert.True(File.Exists(_workplace["work/run/metrics.csv"]));
        Assert.StartsWith(
            "Training diverged", (string)JsonNode.Parse(File.ReadAllText(_workplace["work/run/result.json"]))!["divergence"]!);
    }

    [Fact]
    public void Without_mnist_a_run_takes_digits_and_says_so()
    {
        Workplace.Result result = _workplace.Run("train --model S/1/1 --epochs 1 --json");

        Assert.Equal(0, result.Code);
        Assert.StartsWith("onward: training on digits, which this program draws, because MNIST cannot be had: ", result.ErrorLines[0]);
        Assert.Equal("digits", (string)JsonNode.Parse(result.Out)!["dataset"]!);
        Assert.True(Directory.Exists(_workplace["work/runs/digits-S-1-1-LG-FG-A-seed1"]));
    }

    [Fact]
    public void On_a_terminal_progress_is_drawn_on_the_side_of_messages()
    {
        Workplace.Result result = _workplace.Run($"{Small} --json", errorIsTerminal: true);

        Assert.Equal(0, result.Code);
        Assert.Single(result.OutLines);
        Assert.StartsWith("training S/1/1 in ", result.Error);
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
        foreach ((string from, string to) in new[] { ("\"mnist\"", "\"cifar\""), ("\"mnist\"", "null"), ("\"validation\": 0", "\"validation\": -1"), ("\"seed\": 1", "\"sed\": 1"), ("\"cosine\"", "1") })
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
