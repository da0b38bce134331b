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
        Network model = ModelFile.Load(Path.Combine(folder, "model.safetensors"));
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
        Assert.Equivalent(LocalMixerPresets.Get("S/1/1", 28, 1, 10), model.Mixer!, strict: true);
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

    [Fact]
    public void The_same_seed_gives_the_same_bytes_on_any_number_of_threads()
    {
        string[] options = ["--threads 1", "--threads 2", "--threads 3", "--threads 1 --seed 2"];
        byte[][] models = [.. options.Select(Train)];

        Assert.Equal(models[0], models[1]);
        Assert.Equal(models[0], models[2]);
        Assert.NotEqual(models[0], models[3]);

        byte[] Train(string options, int run)
        {
            const string Command = "train --data {data} --model M/8/16 --batch-size 16 --epochs 1";
            Assert.Equal(0, _workplace.Run($"{Command} --out run{run} {options}").Code);
            return File.ReadAllBytes(_workplace[$"work/run{run}/model.safetensors"]);
        }
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
            "train --data {data} --dataset MNIST --model s/1/1 --rule lg-fg-a --perturbation rademacher --passes 2 "
            + "--loss-scope block,group --epochs 3 --batch-size 8 --lr 0.01 --momentum 0.5 --weight-decay 0 --schedule linear "
            + "--warmup-epochs 0.5 --seed 18446744073709551615 --threads 2 --out run");

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
    public void An_interrupted_run_tells_where_its_model_lies()
    {
        Workplace.Result result = _workplace.Run(
            "train --data {data} --model S/1/1 --batch-size 16 --epochs 1000 --out run", interruptAt: "epoch 2/1000");

        Assert.Equal(130, result.Code);
        Assert.Equal(
            $"onward: interrupted; the model of epoch 2 of 1000 is {_workplace["work/run/model.safetensors"]}. "
            + $"Go on with 'onward train --resume {_workplace["work/run"]}'.",
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

    public void Dispose() => _workplace.Dispose();
}
