using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Onward.Cli;

/// <summary><c>onward train</c>: trains a model and keeps it in a run folder.</summary>
internal sealed class TrainCommand
{
    private readonly Host _host;
    private readonly TrainOptions _options;

    private TrainCommand(Host host, TrainOptions options) => (_host, _options) = (host, options);

    /// <summary>Makes the command.</summary>
    internal static Command Create(Host host)
    {
        TrainOptions options = new();
        Command command = new("train", "Train a model and keep it, with its metrics, in a run folder.");
        options.AddTo(command);
        command.SetAction(parse => new TrainCommand(host, options).Run(parse));
        return command;
    }

    // All that can be wrong is found before the run folder is made.
    private int Run(ParseResult parse)
    {
        TrainOptions.Plan plan = _options.Read(parse);
        string? named = plan.Out is null ? null : _host.Resolve(plan.Out);
        if (named is not null)
        {
            RunFolder.RequireFree(named);
        }

        TrainingData data = plan.Data.Load(_host);
        using TrainingRun run = new(plan.Run, data, _host);
        _host.Interruption.ThrowIfCancellationRequested();

        using RunFolder folder = named is null
            ? RunFolder.CreateNext(_host.Resolve(Path.Combine("runs", RunName(run.Configuration))), run.Configuration, run.Blocks)
            : RunFolder.Create(named, run.Configuration, run.Blocks);
        Report(run.Configuration, Train(run, folder, data.HeldOut), folder, plan.AsJson);
        return ExitCode.Done;
    }

    private RunResult Train(TrainingRun run, RunFolder folder, string heldOut)
    {
        int epochs = run.Configuration.Epochs;
        _host.ShowNotices();
        _host.Error.WriteLine($"training {run.Configuration.Network.Name} in {folder.Path}");
        TrainingDisplay display = LiveDisplay.TryCreate(_host, epochs, heldOut) ?? (TrainingDisplay)new PlainDisplay(_host.Error, epochs, heldOut);
        try
        {
            return run.Train(folder, display);
        }
        catch (OperationCanceledException fault)
        {
            throw new InterruptedException(
                folder.LastEpoch == 0
                    ? $"interrupted before the first epoch ended; {folder.Path} holds no model."
                    : $"interrupted; the model of epoch {folder.LastEpoch} of {epochs} is {folder.ModelPath}.",
                fault);
        }
    }

    private void Report(RunConfiguration run, RunResult result, RunFolder folder, bool asJson)
    {
        double peak = ProcessMemory.PeakMegabytes;
        if (asJson)
        {
            _host.Out.WriteLine(JsonSerializer.Serialize(
                new Outcome(
                    run.Rule,
                    run.Network.Name,
                    run.Dataset,
                    run.Epochs,
                    run.Parameters,
                    result.TrainError,
                    result.TestError,
                    result.ImagesPerSecond,
                    peak,
                    result.Seconds,
                    folder.Path),
                ResultJson.Options));
            return;
        }

        TextTable table = new();
        table.Add("model", string.Create(CultureInfo.InvariantCulture, $"{run.Network.Name}, {run.Parameters:N0} parameters, {run.Rule}"));
        table.Add("data", run.Validation == 0 ? run.Dataset : string.Create(CultureInfo.InvariantCulture, $"{run.Dataset}, {run.Validation:N0} training images held out for validation"));
        table.Add("train error", TextTable.Percent(result.TrainError!.Value));
        table.Add(run.Validation == 0 ? "test error" : "validation error", TextTable.Percent(result.TestError!.Value));
        if (result.BlockTestErrors.Count > 0)
        {
            table.Add("by block head", string.Join(", ", result.BlockTestErrors.Select(TextTable.Percent)));
        }

        table.Add("speed", string.Create(CultureInfo.InvariantCulture, $"{result.ImagesPerSecond:N0} images/s on {run.Threads} thread{(run.Threads == 1 ? "" : "s")}"));
        table.Add("time", TextTable.Duration(TimeSpan.FromSeconds(result.Seconds!.Value)));
        table.Add("peak memory", string.Create(CultureInfo.InvariantCulture, $"{peak:0} MB"));
        table.Add("run", folder.Path);
        table.Write(_host.Out);
    }

    private static string RunName(RunConfiguration run) => string.Create(
        CultureInfo.InvariantCulture, $"{run.Dataset}-{run.Network.FolderName}-{run.Rule}{(run.Projection > 0 ? "-contrastive" : "")}-seed{run.Seed}");

    private sealed record Outcome(
        string Rule,
        string Model,
        string Dataset,
        int Epochs,
        long Parameters,
        double? TrainError,
        double? TestError,
        double? ImagesPerSecond,
        double PeakMemoryMB,
        double? Seconds,
        string Run);
}
