using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Onward.Engine;
using Onward.Kernels;
using Onward.Laboratory;
using Onward.Losses;
using Onward.Models;
using Onward.Optimizers;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward bench</c>: measures the speed of training steps on synthetic images against the machine's peak.</summary>
internal sealed class BenchCommand
{
    private const string DefaultModel = "M/8/16";
    private const int DefaultBatch = 128;
    private const double DefaultSeconds = 5;
    private const double LongestSeconds = 3600;
    private const double LearningRate = 0.001;

    // Past what rules do in the first steps of a run alone.
    private const uint FirstStep = 1000;

    // The batches are cut from a data set in memory, whose size is the same for all batch sizes that fit.
    private const int DatasetImages = 1024;
    private const int DatasetLength = 16 * 1024 * 1024;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(0.25);

    private readonly ModelChoice _model = ModelChoice.WithDefault(DefaultModel);
    private readonly RuleChoice _rule = new();
    private readonly Option<int?> _batchSize = ValueOption.Whole("--batch-size", $"Images in a step. Default {DefaultBatch}", 1);
    private readonly Option<double?> _seconds = ValueOption.Number(
        "--seconds",
        "How long to measure; a step under way is finished. Default 5",
        "above 0, at most 3600",
        value => value is > 0 and <= LongestSeconds);
    private readonly Option<bool> _profile =
        new("--profile") { Description = "Measure as long again where the time goes, beside the least that each part could take" };
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private BenchCommand(Host host) => _host = host;

    /// <summary>Makes the command.</summary>
    internal static Command Create(Host host)
    {
        BenchCommand bench = new(host);
        Command command = new("bench", "Measure training speed on synthetic images, beside the machine's matrix peak.");
        bench._model.AddTo(command);
        bench._rule.AddTo(command);
        command.Add(bench._batchSize);
        command.Add(bench._seconds);
        command.Add(bench._profile);
        command.Add(bench._json);
        command.SetAction(bench.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        ModelSettings network = _model.Read(parse, DefaultModel);
        RuleSettings settings = _rule.Read(parse);
        RuleOptions.Require(settings, ObjectiveSettings.Default, network);
        int batch = parse.GetValue(_batchSize) ?? DefaultBatch;
        (int side, int channels, int classes) = PresetDefaults.ImagesFor(network.Preset);
        if ((long)batch * side * side * channels > Array.MaxLength)
        {
            throw new CommandFault(
                $"--batch-size {batch} makes a batch of images of {side}x{side}x{channels} too large for one array. Take a smaller one.");
        }

        LocalMixer model = new(network.Options(side, channels, classes));
        model.Initialize(seed: 1);
        using WorkerTeam team = new(settings.Threads);
        LearningRule rule = settings.Create(model, team, LossScope.All, ObjectiveSettings.Default, seed: 1);
        ParameterUpdate update = new(model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 1e-4), team);
        MatrixPeak gemm = new(team);
        int image = side * side * channels;
        int images = Math.Max(batch, Math.Min(DatasetImages, DatasetLength / image));
        float[] pixels = new float[images * image];
        CounterRandom.Normals(new RandomStream(1, RandomPurpose.Data), 0, pixels);
        int[] labels = [.. Enumerable.Range(0, images).Select(i => i % classes)];
        uint step = FirstStep;
        TimeSpan length = TimeSpan.FromSeconds(parse.GetValue(_seconds) ?? DefaultSeconds);

        double best = gemm.Measure(_host.Clock);
        Step();
        RunRound(Round, Step);
        List<double> between = [gemm.MeasureRound(_host.Clock)];
        List<double> stepsPerSecond = Rounds(length, Step, () => between.Add(gemm.MeasureRound(_host.Clock)));
        double peak = Math.Max(best, Math.Max(between.Max(), gemm.Measure(_host.Clock)));
        double imagesPerSecond = SeedStatistics.Median(stepsPerSecond)!.Value * batch;
        IReadOnlyList<BenchProfile.Part>? parts = parse.GetValue(_profile) ? Profile() : null;

        double gflopsPerImage = rule.MatrixFlopsPerExample / 1e9;
        Outcome outcome = new(
            Math.Round(imagesPerSecond, 1),
            Math.Round(gflopsPerImage, 6),
            Math.Round(peak, 1),
            Math.Round(imagesPerSecond * gflopsPerImage / peak, 4),
            Math.Round(SeedStatistics.Median(between)!.Value, 1),
            Math.Round(
                SeedStatistics.Median(
                    [.. stepsPerSecond.Select((speed, i) => speed * batch * gflopsPerImage * 2 / (between[i] + between[i + 1]))])!.Value,
                4),
            ProcessMemory.PeakMegabytes,
            Math.Round(rule.ActivationBytes / 1e6, 2),
            settings.Threads,
            parts);
        Report(outcome, $"{network.Name}, {settings.Rule}, batch {batch}", parse.GetValue(_json));
        return ExitCode.Done;

        void Step()
        {
            _host.Interruption.ThrowIfCancellationRequested();
            int first = (int)(step % (images / batch)) * batch;
            update.Step(
                rule,
                pixels.AsMemory(first * image, batch * image),
                labels.AsMemory(first, batch),
                step,
                LearningRate,
                unchanged: step++ > FirstStep);
        }

        IReadOnlyList<BenchProfile.Part> Profile()
        {
            double copied = new CopyPeak(team).Measure(_host.Clock);
            rule.Profile = new StepProfile(settings.Threads);
            uint first = step;
            long start = _host.Clock.GetTimestamp();
            Rounds(length, Step, () => { });
            int steps = (int)(step - first);
            return BenchProfile.Of(
                rule, rule.Profile, _host.Clock.GetElapsedTime(start), (double)steps * batch, settings.Threads, peak * 1e9, copied);
        }
    }

    private List<double> Rounds(TimeSpan total, Action step, Action afterRound)
    {
        List<double> speeds = [];
        long start = _host.Clock.GetTimestamp();
        do
        {
            speeds.Add(RunRound(total < Round ? total : Round, step));
            afterRound();
        }
        while (_host.Clock.GetElapsedTime(start) < total);
        return speeds;
    }

    // Steps per second over a round of at least one step.
    private double RunRound(TimeSpan length, Action step)
    {
        long start = _host.Clock.GetTimestamp();
        int steps = 0;
        TimeSpan elapsed;
        do
        {
            step();
            steps++;
            elapsed = _host.Clock.GetElapsedTime(start);
        }
        while (elapsed < length);
        return steps / elapsed.TotalSeconds;
    }

    private void Report(Outcome outcome, string what, bool asJson)
    {
        if (asJson)
        {
            _host.WriteJson(outcome);
            return;
        }

        CultureInfo culture = CultureInfo.InvariantCulture;
        new TextTable()
            .Add("training", what)
            .Add(
                "speed",
                string.Create(
                    culture, $"{outcome.ImagesPerSecond:N0} images/s on {outcome.Threads} thread{(outcome.Threads == 1 ? "" : "s")}"))
            .Add("matrix work", string.Create(culture, $"{outcome.GflopsPerImage * 1000:0.###} MFLOP an image"))
            .Add(
                "matrix peak",
                string.Create(
                    culture,
                    $"{outcome.GemmPeakGflops:0} GFLOP/s on this machine, the same threads; {outcome.GemmMeanwhileGflops:0} between the steps"))
            .Add(
                "utilization",
                string.Create(
                    culture,
                    $"{outcome.Utilization * 100:0.0} % of that peak, {outcome.UtilizationMeanwhile * 100:0.0} % of what there was between the steps"))
            .Add("activations", string.Create(culture, $"{outcome.ActivationMB:0.0} MB, whatever the batch"))
            .Add("peak memory", string.Create(culture, $"{outcome.PeakMemoryMB:0} MB"))
            .Write(_host.Out, _host.OutWidth());
        if (outcome.Profile is { } parts)
        {
            BenchProfile.Write(parts, _host);
        }
    }

    private sealed record Outcome(
        double ImagesPerSecond,
        double GflopsPerImage,
        double GemmPeakGflops,
        double Utilization,
        double GemmMeanwhileGflops,
        double UtilizationMeanwhile,
        double PeakMemoryMB,
        double ActivationMB,
        int Threads,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<BenchProfile.Part>? Profile);
}
