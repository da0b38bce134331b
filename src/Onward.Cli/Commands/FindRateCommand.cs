using System.CommandLine;
using System.Globalization;
using Onward.Engine;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward find-lr</c>: the learning-rate finder, which trains for some steps at a rising rate.</summary>
internal sealed class FindRateCommand
{
    private const string Name = "find-lr";
    private const double DefaultLowest = 1e-4;
    private const double DefaultHighest = 10;
    private const int DefaultSteps = 200;
    private const int RowsShown = 12;

    private readonly TrainOptions _options = new();
    private readonly Option<double?> _from = ValueOption.Number(
        "--from", "Learning rate of the first step. Default 0.0001", "above 0", value => value > 0);
    private readonly Option<double?> _to = ValueOption.Number(
        "--to", "Learning rate of the last step. The scan ends early if the loss diverges. Default 10", "above 0", value => value > 0);
    private readonly Option<int?> _steps = ValueOption.Whole("--steps", $"Number of steps. Default {DefaultSteps}", 10, 1_000_000);
    private readonly Option<string?> _out = ValueOption.Folder(
        "--out", $"Folder for {Name}.csv and {Name}.png. Default: no files are written");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private FindRateCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        FindRateCommand find = new(host);
        Command command = new(Name, "Find an initial learning rate (learning-rate finder).");
        find._options.AddProblemTo(command);
        foreach (Option option in new Option[] { find._from, find._to, find._steps, find._out, find._json })
        {
            command.Add(option);
        }

        command.SetAction(find.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        double lowest = parse.GetValue(_from) ?? DefaultLowest, highest = parse.GetValue(_to) ?? DefaultHighest;
        if (highest <= lowest)
        {
            throw new CommandFault(string.Create(
                CultureInfo.InvariantCulture, $"--to {highest} is not above --from {lowest}. Choose a higher --to or a lower --from."));
        }

        string? folder = parse.GetValue(_out) is string named ? _host.Resolve(named) : null;
        if (folder is not null)
        {
            MeasurementFiles.RequireFolder(folder);
        }

        TrainOptions.Plan plan = _options.Read(parse, _host.Resolve);
        TrainingData all = plan.Data.Load(_host);
        RunPlan run = plan.Run.FitTo(all, _host);
        TrainingData data = run.Choose(all);
        Network model = run.CreateModel(data);
        run.WarnOfLargePatches(data, model.Values.Layout.Count, _host);
        model.Initialize(run.Training.Seed);
        if (run.Init is not null)
        {
            InitialWeightsFile.Load(run.Init, model, data.Images.ClassNames, _host);
        }

        using WorkerTeam team = new(run.Rule.Threads);
        TrainingStep step = run.Rule.CreateStep(model, team, run.LossScope, run.Objective, run.Training.Seed, frozen: run.Frozen);
        _host.ShowNotices();
        IReadOnlyList<ScannedRate> scan = LearningRateScan.Run(
            step, data.Images, run.Training, lowest, highest, parse.GetValue(_steps) ?? DefaultSteps, _host.Interruption);
        double? suggested = LearningRateScan.Suggest(scan) is double rate ? Round(rate) : null;
        MeasurementFiles? files = folder is null ? null : MeasurementFiles.Write(
            folder,
            Name,
            ["step", "learning_rate", "loss", "smoothed_loss"],
            scan.Select((step, i) => new object[] { i + 1, step.LearningRate, step.Loss, step.Smoothed }),
            path => LearningRatePlot.Save(path, $"{run.Rule.Rule}, {run.Model.Name} on {data.Dataset}", scan, suggested));
        Report(run, data, scan, suggested, files, parse.GetValue(_json));
        return ExitCode.Done;
    }

    private void Report(
        RunPlan run, TrainingData data, IReadOnlyList<ScannedRate> scan, double? suggested, MeasurementFiles? files, bool asJson)
    {
        if (asJson)
        {
            _host.WriteJson(new
            {
                run.Rule.Rule,
                Model = run.Model.Name,
                data.Dataset,
                Steps = scan.Count,
                Suggested = suggested,
                LowestLossAt = Round(scan.MinBy(step => step.Smoothed).LearningRate),
                files?.Table,
                files?.Plot,
            });
            return;
        }

        TextTable table = new(-1);
        table.Add("learning rate", "loss");
        foreach (ScannedRate step in Enumerable.Range(0, RowsShown).Select(i => scan[i * (scan.Count - 1) / (RowsShown - 1)]).Distinct())
        {
            table.Add(
                step.LearningRate.ToString("G3", CultureInfo.InvariantCulture),
                step.Smoothed.ToString("0.0000", CultureInfo.InvariantCulture));
        }

        table.Write(_host.Out, _host.OutWidth());
        _host.Out.WriteLine(suggested is null
            ? $"No suggestion: the loss did not fall clearly in {scan.Count} steps. Use more --steps, or other rates with --from and --to."
            : FormattableString.Invariant($"Start with --lr {suggested:G2}, half the rate at which the smoothed loss was lowest.")
                + " 'onward sweep' can try rates around it.");
        if (files is not null)
        {
            _host.Out.WriteLine($"{files.Table} and {files.Plot} contain all steps");
        }
    }

    private static double Round(double rate) =>
        double.Parse(rate.ToString("G2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
