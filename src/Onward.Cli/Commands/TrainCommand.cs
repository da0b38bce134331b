using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;

namespace Onward.Cli;

/// <summary><c>onward train</c>: trains a model and saves it in a run folder.</summary>
internal sealed class TrainCommand
{
    private readonly Host _host;
    private readonly TrainOptions _options;
    private readonly CancellationToken _timeIsUp;
    private readonly Ranks _ranks;

    private TrainCommand(Ranks ranks, TrainOptions options, CancellationToken timeIsUp) =>
        (_ranks, _host, _options, _timeIsUp) = (ranks, ranks.Host, options, timeIsUp);

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        TrainOptions options = new();
        Command command = new("train", "Train a model, and save it with its metrics in a run folder.");
        options.AddTo(command);
        command.SetAction(parse => Run(parse, options, host));
        return command;
    }

    private static int Run(ParseResult parse, TrainOptions options, Host host)
    {
        if (options.OnlyShows(parse) && options.ReadResumption(parse) is null)
        {
            host.Out.Write(options.Show(parse, host) + "\n");
            return ExitCode.Done;
        }

        if (options.OnlyTries(parse) && options.Parallel(parse) is not null)
        {
            throw new CommandFault("--dry-run tries a run in one process. Leave --parallel out.");
        }

        using CancellationTokenSource time = new(options.MaxTime(parse) ?? Timeout.InfiniteTimeSpan, host.Clock);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(host.Interruption, time.Token);
        return Ranks.Run(
            options.Parallel(parse),
            host with { Interruption = end.Token },
            ranks => new TrainCommand(ranks, options, time.Token).Run(parse));
    }

    // Everything is checked before the run folder is created or changed.
    private int Run(ParseResult parse) => _ranks.Together(() => _options.ReadResumption(parse)) is TrainOptions.Resumption resumption
        ? resumption.Epoch is WantedEpoch epoch ? ResumeFrom(epoch, resumption) : Resume(resumption)
        : TryOrBegin(_ranks.Together(() => _options.Read(parse, _host.Resolve)), _options.OnlyTries(parse));

    private int TryOrBegin(TrainOptions.Plan plan, bool tries) => tries ? Try(plan) : Begin(plan);

    private int Try(TrainOptions.Plan plan)
    {
        TrainingData all = plan.Data.Load(_host);
        RunPlan fitted = plan.Run.FitTo(all, _host);
        TrainingData data = fitted.Choose(all);
        using TrainingRun run = new(fitted, data, _host);
        fitted.WarnOfLargePatches(data, run.Configuration.Parameters, _host);
        _host.ShowNotices();
        DryRun.Of(run, plan.Out is null ? DefaultFolder(run) : _host.Resolve(plan.Out)).Write(_host, plan.Keeping.AsJson);
        return ExitCode.Done;
    }

    private int Begin(TrainOptions.Plan plan)
    {
        string? named = plan.Out is null ? null : _host.Resolve(plan.Out);
        _ranks.Together(() => !_ranks.Writes || RunFolder.RequireFree(named));
        TrainingData all = _ranks.FirstThenOthers(() => plan.Data.Load(_host));
        RunPlan fitted = plan.Run.FitTo(all, _host);
        TrainingData data = _ranks.Together(() => fitted.Choose(all));
        using TrainingRun run = _ranks.Together(() => Prepare(fitted, data));
        fitted.WarnOfLargePatches(data, run.Configuration.Parameters, _host);
        _ranks.RequireSame(run.Configuration);
        using RunFolder? folder = _ranks.Together(() => _ranks.Writes ? CreateFolder(run, named, plan.Keeping) : null);
        Train(run, folder, plan.Keeping, "training", "");
        return ExitCode.Done;
    }

    private TrainingRun Prepare(RunPlan plan, TrainingData data)
    {
        TrainingRun run = new(plan, data, _host, _ranks.Grid);
        _host.Interruption.ThrowIfCancellationRequested();
        return run;
    }

    private RunFolder CreateFolder(TrainingRun run, string? named, TrainOptions.Keeping keeping)
    {
        string byDefault = DefaultFolder(run);
        if (named is null && RunFolder.HoldsStoppedRun(byDefault))
        {
            _host.Notices.Add(
                $"{byDefault} holds an unfinished run with these options; '{CommandWords.ResumeCommand(byDefault)}' resumes it. "
                + "This is a new run.");
        }

        RunFolder folder = RunFolder.CreateAt(named, byDefault, run.Configuration, run.Blocks, keeping.Checkpoints);
        if (keeping.TensorBoard)
        {
            run.BeginEvents(folder);
        }

        return folder;
    }

    private int Resume(TrainOptions.Resumption asked)
    {
        using ContinuedRun continued = ContinuedRun.Open(_host.Resolve(asked.Run), asked.Continuation, _host, _ranks);
        if (continued.Ended is RunResult result)
        {
            return continued.Folder is null
                ? ExitCode.Done
                : ReportEnded(continued.Begun, result, continued.Folder, asked.Keeping.AsJson);
        }

        Train(continued.Run, continued.Folder, asked.Keeping, "going on with", continued.Place);
        return ExitCode.Done;
    }

    private int ResumeFrom(WantedEpoch epoch, TrainOptions.Resumption asked)
    {
        string path = _host.Resolve(asked.Run);
        string? named = asked.Out is null ? null : _host.Resolve(asked.Out);
        using ContinuedRun continued = ContinuedRun.Branch(path, epoch, named, asked.Continuation, _host, _ranks);
        Train(continued.Run, continued.Folder, asked.Keeping, "going on with", $"{continued.Place}; {path} stays as it is");
        return ExitCode.Done;
    }

    private void Train(TrainingRun run, RunFolder? folder, TrainOptions.Keeping keeping, string doing, string from)
    {
        if (folder is null)
        {
            TrainSilently(run);
            return;
        }

        int epochs = run.Configuration.Epochs;
        _host.ShowNotices();
        _host.Error.WriteLine($"{doing} {run.Configuration.Network.Name} in {folder.Path}{from}");
        TrainingDisplay display = LiveDisplay.TryCreate(_host, run.Configuration)
            ?? (TrainingDisplay)new PlainDisplay(_host.Error, run.Configuration);
        try
        {
            Report(run.Configuration, run.Train(folder, display), folder, keeping.AsJson, ProcessMemory.PeakMegabytes);
        }
        catch (OperationCanceledException fault)
        {
            string why = _timeIsUp.IsCancellationRequested ? "time is up" : "interrupted";
            throw new InterruptedException(
                (folder.LastEpoch == 0
                    ? $"{why} before the first epoch ended."
                    : $"{why}; the model of epoch {folder.LastEpoch} of {epochs} is {folder.ModelPath}.")
                + $" Go on with '{CommandWords.ResumeCommand(folder.Path)}'.",
                fault);
        }
        finally
        {
            if (folder.RenamedFrom is string old)
            {
                _host.Error.WriteLine($"onward: the run folder {old} was renamed during training; the whole run is in {folder.Path}.");
            }
        }
    }

    private static void TrainSilently(TrainingRun run)
    {
        try
        {
            run.Train(null, new QuietDisplay());
        }
        catch (OperationCanceledException fault)
        {
            throw new InterruptedException("interrupted.", fault);
        }
    }

    private int ReportEnded(RunConfiguration run, RunResult result, RunFolder folder, bool asJson)
    {
        if (folder.MendMetrics(run))
        {
            _host.Error.WriteLine($"onward: {MetricsFile.Name} could not be read, and was restored from the last checkpoint.");
        }

        if (result.Divergence is string divergence)
        {
            _host.Error.WriteLine($"onward: {folder.Path} has already ended: {divergence}");
            return ExitCode.Diverged;
        }

        _host.Error.WriteLine($"onward: {folder.Path} has already ended; this is its result.");
        Report(run, result, folder, asJson, peak: null);
        return ExitCode.Done;
    }

    private void Report(RunConfiguration run, RunResult result, RunFolder folder, bool asJson, double? peak)
    {
        if (asJson)
        {
            _host.WriteJson(new Outcome(
                run.Rule,
                run.Network.Name,
                run.Dataset,
                result.Epochs ?? run.Epochs,
                run.Parameters,
                result.TrainError,
                result.ContrastiveError,
                result.TestError,
                result.BestEpoch,
                result.BestTestError,
                result.TrainBitsPerCharacter,
                result.TestBitsPerCharacter,
                result.ImagesPerSecond,
                peak,
                result.Seconds,
                result.Advice,
                folder.Path));
            return;
        }

        TextTable table = new();
        table.Add("model", string.Create(CultureInfo.InvariantCulture, $"{run.Network.Name}, {run.Parameters:N0} parameters, {run.Rule}"));
        table.Add("data", run.DescribeData());
        if (result.Epochs < run.Epochs)
        {
            table.Add(
                "epochs",
                string.Create(
                    CultureInfo.InvariantCulture, $"{result.Epochs} of {run.Epochs}: no lower error in the last {run.EarlyStop} epochs"));
        }

        if (result.ContrastiveError is double contrastive)
        {
            table.Add("contrastive error", Figures.Percent(contrastive));
        }

        if (result is { TrainBitsPerCharacter: double trainBits, TestBitsPerCharacter: double testBits })
        {
            table.Add("bits per character", string.Create(
                CultureInfo.InvariantCulture, $"{trainBits:0.000} in training, {testBits:0.000} on the {run.HeldOut} set{OfSome(run)}"));
        }

        table.Add(run.Projection > 0 ? "readout train error" : "train error", Figures.Percent(result.TrainError!.Value) + OfSome(run));
        if (run.OverfitBatches is null)
        {
            table.Add($"{run.HeldOut} error", Figures.Percent(result.TestError!.Value) + OfSome(run));
        }

        if (result is { BestEpoch: int best, BestTestError: double lowest } && (lowest < result.TestError || result.Epochs < run.Epochs))
        {
            string number = best.ToString(CultureInfo.InvariantCulture);
            table.Add("best epoch", $"{number}, with a {run.HeldOut} error of {Figures.Percent(lowest)}; --best selects it");
        }

        if (result.BlockTestErrors.Count > 0)
        {
            table.Add("block heads", string.Join(", ", result.BlockTestErrors.Select(Figures.Percent)));
        }

        string processes = run.Parallel is null ? "" : $"{run.Parallel} processes of ";
        string threads = run.Threads == 1 ? "1 thread" : string.Create(CultureInfo.InvariantCulture, $"{run.Threads} threads");
        string speed = string.Create(CultureInfo.InvariantCulture, $"{result.ImagesPerSecond:N0} {run.Examples}/s");
        table.Add("speed", $"{speed} on {processes}{threads}");
        table.Add("time", Figures.Duration(TimeSpan.FromSeconds(result.Seconds!.Value)));
        if (peak is not null)
        {
            table.Add("peak memory", string.Create(CultureInfo.InvariantCulture, $"{peak:0} MB"));
        }

        table.Add("run", CommandLineText.Quote(folder.Path));
        table.Write(_host.Out, _host.OutWidth());
    }

    private static string OfSome(RunConfiguration run) => run.LimitTestBatches is not int batches ? ""
        : string.Create(CultureInfo.InvariantCulture, $" on {(long)batches * run.BatchSize:N0} images at most");

    private string DefaultFolder(TrainingRun run) => _host.Resolve(Path.Combine("runs", RunName(run.Configuration)));

    private static string RunName(RunConfiguration run)
    {
        string objective = run.Projection > 0 ? "-contrastive" : "";
        return string.Create(
            CultureInfo.InvariantCulture, $"{run.Dataset}-{run.Network.FolderName}-{run.Rule}{objective}-seed{run.Seed}");
    }

    private sealed record Outcome(
        string Rule,
        string Model,
        string Dataset,
        int Epochs,
        long Parameters,
        double? TrainError,
        double? ContrastiveError,
        double? TestError,
        int? BestEpoch,
        double? BestTestError,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? TrainBitsPerCharacter,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? TestBitsPerCharacter,
        double? ImagesPerSecond,
        double? PeakMemoryMB,
        double? Seconds,
        IReadOnlyList<string> Advice,
        string Run);
}
