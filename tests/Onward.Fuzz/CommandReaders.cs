using System.Text;
using System.Text.Json;
using Onward.Cli;
using Onward.Data;
using Onward.Losses;
using Onward.Optimizers;
using SkiaSharp;

namespace Onward.Fuzz;

/// <summary>The readers of the command line: options of <c>--config</c>, and run folders.</summary>
internal static class CommandReaders
{
    private static readonly string[][] Configurations =
    [
        [
            "--model", "M/8/16", "--downsample", "1,2,1,1", "--channel-ratio", "1,2,1,1", "--group-ratio", "1,2,1,1",
            "--pooling", "maximum", "--passes", "2", "--loss-scope", "block,patch",
        ],
        [
            "--objective", "contrastive", "--model", "M/8/16", "--mixer", "conv", "--kernel-side", "3",
            "--temperature", "0.5", "--projection", "64", "--threads", "1", "--out", "run",
        ],
        [
            "--rule", "BP", "--dataset", "folder", "--data", "images", "--image-size", "64", "--augment", "area",
            "--area-min", "0.3", "--recompute", "--validation", "5", "--keep", "3",
        ],
    ];

    /// <summary>Creates all readers.</summary>
    /// <param name="folder">Folder for seed files.</param>
    internal static IEnumerable<Reader> All(string folder)
    {
        yield return new Reader(
            "config",
            8,
            [.. Configurations.Select(words => new[] { Json("options.json", Dump(folder, words)) })],
            ReadOptions)
        { NamesOptions = true };
        SeedFile[] run = RunFolder(folder);
        yield return new Reader("run-folder", 2, [run], ReadRun);
        yield return new Reader("metrics", 2, [Only(run, "metrics.csv", MetricsMutation.Apply)], ReadReport);
        yield return new Reader("result", 1, [Only(run, "result.json", TokenMutation.Apply)], ReadReport);
        yield return ClassNames.Reader(folder, run);
    }

    // Accepted options are printed with all defaults. Reading that output again must give the same output.
    private static string? ReadOptions(string folder, string path)
    {
        Outcome first = Run(folder, "train", "--config", path, "--dump-config");
        if (first.Code != 0)
        {
            return first.Refusal;
        }

        string again = Path.Combine(folder, "again.json");
        File.WriteAllText(again, first.Out);
        Outcome second = Run(folder, "train", "--config", again, "--dump-config");
        return second.Code == 0 && second.Out == first.Out ? null
            : throw new InconsistentException($"the output of --dump-config reads differently: {second.Error}{second.Out}");
    }

    // Runs every command that reads the folder. Resuming a finished run does not train it.
    private static string? ReadRun(string folder, string path)
    {
        string[][] commands =
        [
            ["runs", folder],
            ["inspect", folder],
            ["predict", folder, Path.Combine(folder, "image.png"), "--threads", "1"],
            ["train", "--resume", folder, "--threads", "1"],
        ];
        Outcome[] outcomes = [.. commands.Select(words => Run(folder, words))];
        if (outcomes[0].Code != 0)
        {
            throw new InconsistentException($"'onward runs' lists no run because of a damaged one: {outcomes[0].Error}");
        }

        return outcomes.FirstOrDefault(outcome => outcome.Error.Length > 0 && outcome.Code != 0)?.Refusal;
    }

    // The size of the page is bounded by the size of its input, whatever the numbers are.
    private static string? ReadReport(string folder, string path)
    {
        const int LargestPage = 2_000_000;
        Outcome outcome = Run(folder, "report", folder, "--out", "page.html");
        string page = Path.Combine(folder, "page.html");
        if (outcome.Code == 0 && new FileInfo(page).Length > LargestPage + (20 * new FileInfo(path).Length))
        {
            throw new InconsistentException($"the page has {new FileInfo(page).Length} bytes");
        }

        File.Delete(page);
        return outcome.Code == 0 ? ReadRun(folder, path) : outcome.Refusal;
    }

    private static SeedFile[] Only(SeedFile[] files, string name, Mutation mutate) =>
        [.. files.Select(file => file with { Mutate = file.Name == name ? mutate : null })];

    /// <summary>Runs a command in a folder, without any data set on the machine.</summary>
    internal static Outcome Run(string folder, params string[] words)
    {
        using StringWriter output = new() { NewLine = "\n" }, error = new() { NewLine = "\n" };
        string cache = Path.Combine(folder, "cache");
        Host host = new()
        {
            Out = output,
            Error = error,
            WorkingDirectory = folder,
            Sources =
            [
                new MnistSource { DataRoot = null, CacheDirectory = cache, Mirrors = [] },
                new FashionMnistSource { DataRoot = null, CacheDirectory = cache, Mirrors = [] },
                new CifarSource { DataRoot = null, CacheDirectory = cache, Mirrors = [] },
            ],
        };
        int code = Cli.Cli.Run(words, host);
        if (code is ExitCode.Unexpected || error.ToString().Contains("not enough memory", StringComparison.Ordinal))
        {
            _ = Cli.Cli.Run(words, host with { ShowTraces = true });
            throw new InconsistentException(error.ToString());
        }

        return new Outcome(code, output.ToString(), error.ToString());
    }

    private static string Dump(string folder, string[] words)
    {
        Outcome outcome = Run(folder, ["train", "--dump-config", .. words]);
        return outcome.Code == 0 ? outcome.Out : throw new InvalidOperationException(outcome.Error);
    }

    private static SeedFile[] RunFolder(string folder)
    {
        RunResult result = new()
        {
            Divergence = null,
            TrainError = 1,
            TestError = 2.5,
            BlockTestErrors = [3, 2.5, 2.5, 2],
            ImagesPerSecond = 1000,
            ActivationMB = 1.5,
            Seconds = 60,
        };
        const string Metrics =
                "epoch,learning_rate,train_loss,train_error,test_loss,test_error,"
                + "block_0_loss,block_1_loss,block_2_loss,block_3_loss,images_per_second,seconds\n"
                + "1,0.1,2.3,50,2.2,40,1.1,1.2,1.3,1.4,1000,30.5\n2,0.05,1.3,20,1.2,2.5,0.1,0.2,0.3,0.4,1000,60\n";
        return
        [
            Json("config.json", JsonSerializer.Serialize(Configuration(), RunConfiguration.Json)),
            Json("result.json", JsonSerializer.Serialize(result, RunConfiguration.Json)),
            Json("metrics.csv", Metrics),
            new SeedFile("model.safetensors", ModelReaders.Model(folder), Mutate: null),
            new SeedFile(
                "image.png", Imaging.Tests.ImageFiles.Encode(4, 4, (_, _) => SKColors.Red, SKEncodedImageFormat.Png), Mutate: null),
        ];
    }

    /// <summary>The configuration of a run with three classes.</summary>
    internal static RunConfiguration Configuration() => new()
    {
        Version = "0.1.0",
        Rule = "LG-FG-A",
        Perturbation = "gaussian",
        Passes = 1,
        LossScope = LossScope.All,
        Model = "M/8/16",
        Scaling = new NetworkScaling([1, 2, 1, 1], [], [], Layers.PatchPooling.Average),
        Parameters = 1000,
        Dataset = "mnist",
        DatasetSource = "somewhere",
        Data = null,
        Images = new ImageDescription(["a", "b", "c"], [0.5f], [0.25f]),
        TrainingImages = 100,
        Validation = 0,
        Epochs = 20_000,
        BatchSize = 10,
        LearningRate = 0.1,
        Momentum = 0.9,
        WeightDecay = 0,
        Schedule = ScheduleShape.Cosine,
        WarmupEpochs = 1,
        Seed = 1,
        Threads = 1,
        Environment = new RunEnvironment("10.0", "a system", "a processor", 2, 512),
    };

    private static SeedFile Json(string name, string text) => new(name, Encoding.UTF8.GetBytes(text), TokenMutation.Apply);

    /// <summary>Exit code and output of a command.</summary>
    internal sealed record Outcome(int Code, string Out, string Error)
    {
        // The error message without the name of the program in front.
        internal string Refusal =>
            Code == ExitCode.BadInput && Error.StartsWith("onward: ", StringComparison.Ordinal) && Error.EndsWith('\n')
            ? Error["onward: ".Length..^1]
            : throw new InconsistentException($"exit code {Code}: {Error}");
    }
}
