using System.CommandLine;
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

/// <summary><c>onward bench</c>: measures the speed of training on synthetic images and compares it with the peak of the machine.</summary>
internal sealed class BenchCommand
{
    private const string DefaultModel = "M/8/16";
    private const int DefaultBatch = 128;
    private const double DefaultSeconds = 5;
    private const double LongestSeconds = 3600;
    private const double LearningRate = 0.001;

    // After the first steps of a run, in which some rules do additional work.
    private const uint FirstStep = 1000;

    // Batches are slices of a data set in memory. Its size does not depend on the batch size, unless a batch is larger.
    private const int DatasetImages = 1024;
    private const int DatasetLength = 16 * 1024 * 1024;

    private static readonly TimeSpan Round = TimeSpan.FromSeconds(0.25);

    private readonly ModelChoice _model = ModelChoice.WithDefault(DefaultModel);
    private readonly RuleChoice _rule = new();
    private readonly Option<int?> _batchSize = ValueOption.Whole("--batch-size", $"Batch size: images per step. Default {DefaultBatch}", 1);
    private readonly Option<double?> _seconds = ValueOption.Number(
        "--seconds",
        "Duration of the measurement in seconds. Default 5",
        "above 0, at most 3600",
        value => value is > 0 and <= LongestSeconds);
    private readonly Option<bool> _profile = new("--profile")
    {
        Description = "Also measure each part of a step, and the minimum time for it on this machine. Takes twice as long",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private BenchCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        BenchCommand bench = new(host);
        Command command = new("bench", "Measure the training speed on synthetic images, compared with the peak of the machine.");
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
        ModelSettings network = _model.Read(parse, _host.Resolve, DefaultModel);
        RuleSettings settings = _rule.Read(parse);
        RuleOptions.Require(settings, LossScope.All, ObjectiveSettings.Default, network);
        int batch = parse.GetValue(_batchSize) ?? DefaultBatch;
        Network model = network.BuildAlone();
        if ((long)batch * model.Input.Length > Array.MaxLength)
        {
            throw new CommandFault($"--batch-size {batch} is too large for an input of {model.Input}. Use a smaller batch size.");
        }

        model.Initialize(seed: 1);
        using WorkerTeam team = new(settings.Threads);
        TrainingStep training = settings.CreateStep(model, team, LossScope.All, ObjectiveSettings.Default, seed: 1);
        ParameterUpdate update = new(model.Values.Layout, new Sgd(Momentum: 0.9, WeightDecay: 1e-4), team);
        MatrixPeak gemm = new(team);
        int image = model.Input.Length, rows = model.HeadRows;
        int images = Math.Max(batch, Math.Min(DatasetImages, DatasetLength / image));
        float[] pixels = new float[images * image];
        CounterRandom.Normals(new RandomStream(1, RandomPurpose.Data), 0, pixels);
        if (model.TakesIndices)
        {
            pixels = [.. Enumerable.Range(0, pixels.Length).Select(i => (float)(i % model.Classes))];
        }

        int[] labels = [.. Enumerable.Range(0, images * rows).Select(i => i % model.Classes)];
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

        double gflopsPerImage = training.MatrixFlopsPerExample / 1e9;
        IEnumerable<double> meanwhile = stepsPerSecond.Select((speed, i) =>
            speed * batch * gflopsPerImage * 2 / (between[i] + between[i + 1]));
        Outcome outcome = new(
            Math.Round(imagesPerSecond, 1),
            Math.Round(gflopsPerImage, 6),
            Math.Round(peak, 1),
            Math.Round(imagesPerSecond * gflopsPerImage / peak, 4),
            Math.Round(SeedStatistics.Median(between)!.Value, 1),
            Math.Round(SeedStatistics.Median(meanwhile)!.Value, 4),
            ProcessMemory.PeakMegabytes,
            Math.Round(training.ActivationBytes / 1e6, 2),
            settings.Threads,
            parts);
        Report(outcome, $"{network.Name}, {settings.Rule}, batch {batch}", parse.GetValue(_json));
        return ExitCode.Done;

        void Step()
        {
            _host.Interruption.ThrowIfCancellationRequested();
            int first = (int)(step % (images / batch)) * batch;
            ReadOnlyMemory<int> own = labels.AsMemory(first * rows, batch * rows);
            update.Step(training, pixels.AsMemory(first * image, batch * image), own, step++, LearningRate);
        }

        IReadOnlyList<BenchProfile.Part> Profile()
        {
            double copied = new CopyPeak(team).Measure(_host.Clock);
            training.Profile = new StepProfile(settings.Threads);
            uint first = step;
            long start = _host.Clock.GetTimestamp();
            Rounds(length, Step, () => { });
            int steps = (int)(step - first);
            return BenchProfile.Of(
                training, training.Profile, _host.Clock.GetElapsedTime(start), (double)steps * batch, settings.Threads, peak * 1e9, copied);
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

    // Returns the steps per second. A round has at least one step.
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

        double meanwhile = 100 * outcome.UtilizationMeanwhile;
        string threads = outcome.Threads == 1 ? "1 thread" : Invariant($"{outcome.Threads} threads");
        new TextTable()
            .Add("training", what)
            .Add("speed", Invariant($"{outcome.ImagesPerSecond:N0} images/s on {threads}"))
            .Add("matrix work", Invariant($"{outcome.GflopsPerImage * 1000:0.###} MFLOP per image"))
            .Add(
                "matrix peak",
                Invariant($"{outcome.GemmPeakGflops:0} GFLOP/s on {threads}; {outcome.GemmMeanwhileGflops:0} GFLOP/s between steps"))
            .Add("utilization", Invariant($"{100 * outcome.Utilization:0.0} % of the peak; {meanwhile:0.0} % of the speed between steps"))
            .Add("activations", Invariant($"{outcome.ActivationMB:0.0} MB for any batch size"))
            .Add("peak memory", Invariant($"{outcome.PeakMemoryMB:0} MB"))
            .Write(_host.Out, _host.OutWidth());
        if (outcome.Profile is { } parts)
        {
            BenchProfile.Write(parts, _host);
        }
    }

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

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
