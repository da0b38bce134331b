using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Onward.Data;
using Onward.Learning;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward train</c>: trains a model and keeps it in a run folder.</summary>
internal sealed class TrainCommand
{
    // Steps are numbered in 32 bits.
    private const long MostSteps = uint.MaxValue;

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

        (string dataset, ImageDataset loaded) = Datasets.Load(plan.Dataset, plan.Data, _host);
        ImageDataset data = HoldOut(loaded, plan.Validation);
        RequireEnoughImages(plan, data.Training.Count);
        LocalMixer model = new(ModelChoice.Options(plan.Model, data.Training.Height, data.Training.Channels, data.Training.Classes));
        model.Initialize(plan.Training.Seed);
        using WorkerTeam team = new(plan.Rule.Threads);
        LearningRule rule = plan.Rule.Create(model, team, plan.LossScope, plan.Training.Seed);
        Trainer trainer = new(model, rule, team, data, plan.Training, _host.Clock);
        _host.Interruption.ThrowIfCancellationRequested();

        RunConfiguration configuration = plan.Configure(dataset, data, model.Values.Layout.Count, plan.Data is null ? null : Path.GetFullPath(_host.Resolve(plan.Data)));
        using RunFolder folder = named is null
            ? RunFolder.CreateNext(_host.Resolve(Path.Combine("runs", RunName(plan, dataset))), configuration, model.Blocks.Count)
            : RunFolder.Create(named, configuration, model.Blocks.Count);
        TrainingResult result = Train(trainer, model, folder, plan);
        Report(configuration, result, folder, plan.AsJson);
        return ExitCode.Done;
    }

    private TrainingResult Train(Trainer trainer, LocalMixer model, RunFolder folder, TrainOptions.Plan plan)
    {
        string heldOut = plan.Validation > 0 ? "validation" : "test";
        _host.Error.WriteLine($"training {plan.Model} in {folder.Path}");
        TrainingDisplay display = (_host.ErrorIsTerminal ? LiveDisplay.TryCreate(_host.Error, plan.Training.Epochs, heldOut) : null)
            ?? (TrainingDisplay)new PlainDisplay(_host.Error, plan.Training.Epochs, heldOut);
        try
        {
            return display.Show(() => trainer.Run(display.Progress, Keep, _host.Interruption));
        }
        catch (OperationCanceledException fault)
        {
            throw new InterruptedException(
                folder.LastEpoch == 0
                    ? $"interrupted before the first epoch ended; {folder.Path} holds no model."
                    : $"interrupted; the model of epoch {folder.LastEpoch} of {plan.Training.Epochs} is {folder.ModelPath}.",
                fault);
        }

        void Keep(EpochMetrics epoch)
        {
            folder.Keep(model, epoch);
            display.EpochEnded(epoch);
        }
    }

    private void Report(RunConfiguration run, TrainingResult result, RunFolder folder, bool asJson)
    {
        double peak = ProcessMemory.PeakMegabytes;
        if (asJson)
        {
            _host.Out.WriteLine(JsonSerializer.Serialize(
                new Outcome(
                    run.Rule,
                    run.Model,
                    run.Dataset,
                    run.Epochs,
                    run.Parameters,
                    Math.Round(result.TrainError, 4),
                    Math.Round(result.TestError, 4),
                    Math.Round(result.ImagesPerSecond, 1),
                    peak,
                    Math.Round(result.Elapsed.TotalSeconds, 2),
                    folder.Path),
                ResultJson.Options));
            return;
        }

        TextTable table = new();
        table.Add("model", string.Create(CultureInfo.InvariantCulture, $"{run.Model}, {run.Parameters:N0} parameters, {run.Rule}"));
        table.Add("data", run.Validation == 0 ? run.Dataset : string.Create(CultureInfo.InvariantCulture, $"{run.Dataset}, {run.Validation:N0} training images held out for validation"));
        table.Add("train error", TextTable.Percent(result.TrainError));
        table.Add(run.Validation == 0 ? "test error" : "validation error", TextTable.Percent(result.TestError));
        table.Add("by block head", string.Join(", ", result.BlockTestErrors.Select(TextTable.Percent)));
        table.Add("speed", string.Create(CultureInfo.InvariantCulture, $"{result.ImagesPerSecond:N0} images/s on {run.Threads} thread{(run.Threads == 1 ? "" : "s")}"));
        table.Add("time", TextTable.Duration(result.Elapsed));
        table.Add("peak memory", string.Create(CultureInfo.InvariantCulture, $"{peak:0} MB"));
        table.Add("run", folder.Path);
        table.Write(_host.Out);
    }

    private static ImageDataset HoldOut(ImageDataset data, int validation)
    {
        if (validation == 0)
        {
            return data;
        }

        if (validation >= data.Training.Count)
        {
            throw new CommandFault($"--validation {validation} leaves none of the {data.Training.Count} training images to learn from. Hold out fewer.");
        }

        (LabelledImages training, LabelledImages heldOut) = data.Training.SplitLast(validation);
        return data with { Training = training, Test = heldOut };
    }

    private static void RequireEnoughImages(TrainOptions.Plan plan, int images)
    {
        if (plan.Training.BatchSize > images)
        {
            throw new CommandFault($"--batch-size {plan.Training.BatchSize} is more than the {images} training images. Take a smaller batch.");
        }

        if ((long)plan.Training.Epochs * (images / plan.Training.BatchSize) > MostSteps)
        {
            throw new CommandFault($"--epochs {plan.Training.Epochs} make more than {MostSteps} steps. Take fewer epochs or a larger batch.");
        }
    }

    private static string RunName(TrainOptions.Plan plan, string dataset) => string.Create(
        CultureInfo.InvariantCulture, $"{dataset}-{plan.Model.Replace('/', '-')}-{plan.Rule.Rule}-seed{plan.Training.Seed}");

    private sealed record Outcome(
        string Rule,
        string Model,
        string Dataset,
        int Epochs,
        long Parameters,
        double TrainError,
        double TestError,
        double ImagesPerSecond,
        double PeakMemoryMB,
        double Seconds,
        string Run);
}
