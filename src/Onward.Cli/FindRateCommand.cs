using System.CommandLine;
using System.Globalization;
using Onward.Learning;
using Onward.Models;
using Onward.Threads;
using Onward.Training;
using ScottPlot;
using ScottPlot.TickGenerators;

namespace Onward.Cli;

/// <summary><c>onward find-lr</c>: finds a learning rate to begin with, by a short training whose rate rises.</summary>
internal sealed class FindRateCommand
{
    private const string Name = "find-lr";
    private const double DefaultLowest = 1e-4;
    private const double DefaultHighest = 10;
    private const int DefaultSteps = 200;
    private const int RowsShown = 12;

    private readonly TrainOptions _options = new();
    private readonly Option<double?> _from = ValueOption.Number("--from", "Rate of the first step. Default 0.0001", "above 0", value => value > 0);
    private readonly Option<double?> _to = ValueOption.Number("--to", "Rate of the last step; the scan ends before it where the loss shoots up. Default 10", "above 0", value => value > 0);
    private readonly Option<int?> _steps = ValueOption.Whole("--steps", $"Steps. Default {DefaultSteps}", 10, 1_000_000);
    private readonly Option<string?> _out = ValueOption.Folder("--out", $"Folder for {Name}.csv and {Name}.png. Default: neither is written");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private FindRateCommand(Host host) => _host = host;

    /// <summary>Makes the command.</summary>
    internal static Command Create(Host host)
    {
        FindRateCommand find = new(host);
        Command command = new(Name, "Find a learning rate to begin with: train for some steps, each at a higher rate.");
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
            throw new CommandFault(string.Create(CultureInfo.InvariantCulture, $"--to {highest} is not above --from {lowest}. Give a range of rates from low to high."));
        }

        string? folder = parse.GetValue(_out) is string named ? _host.Resolve(named) : null;
        if (folder is not null)
        {
            LaboratoryFolder.RequireFolder(folder);
        }

        TrainOptions.Plan plan = _options.Read(parse);
        TrainingData all = plan.Data.Load(_host);
        RunPlan run = plan.Run.FitTo(all, _host);
        TrainingData data = run.Choose(all);
        LocalMixer model = run.CreateModel(data);
        run.WarnOfLargePatches(data, model.Values.Layout.Count, _host);
        model.Initialize(run.Training.Seed);
        using WorkerTeam team = new(run.Rule.Threads);
        LearningRule rule = run.Rule.Create(model, team, run.LossScope, run.Objective, run.Training.Seed);
        _host.ShowNotices();
        IReadOnlyList<ScannedRate> scan = LearningRateScan.Run(model, rule, team, data.Images, run.Training, lowest, highest, parse.GetValue(_steps) ?? DefaultSteps, _host.Interruption);
        double? suggested = LearningRateScan.Suggest(scan) is double rate ? Round(rate) : null;
        LaboratoryFolder? files = folder is null ? null : LaboratoryFolder.Write(
            folder,
            Name,
            ["step", "learning_rate", "loss", "smoothed_loss"],
            scan.Select((step, i) => new object[] { i + 1, step.LearningRate, step.Loss, step.Smoothed }),
            path => Draw(path, $"{run.Rule.Rule}, {run.Model.Name} on {data.Dataset}", scan, suggested));
        Report(run, data, scan, suggested, files, parse.GetValue(_json));
        return ExitCode.Done;
    }

    private void Report(RunPlan run, TrainingData data, IReadOnlyList<ScannedRate> scan, double? suggested, LaboratoryFolder? files, bool asJson)
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
            table.Add(step.LearningRate.ToString("G3", CultureInfo.InvariantCulture), step.Smoothed.ToString("0.0000", CultureInfo.InvariantCulture));
        }

        table.Write(_host.Out);
        _host.Out.WriteLine(suggested is null
            ? $"The loss has not fallen clearly in {scan.Count} steps. Take more --steps, or another range with --from and --to."
            : string.Create(CultureInfo.InvariantCulture, $"Begin with --lr {suggested:G2}: half of the rate where the smoothed loss of {scan.Count} steps was lowest. 'onward sweep' tries some around it."));
        if (files is not null)
        {
            _host.Out.WriteLine($"{files.Table} and {files.Plot} hold all steps");
        }
    }

    private static double Round(double rate) => double.Parse(rate.ToString("G2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static void Draw(string path, string title, IReadOnlyList<ScannedRate> scan, double? suggested)
    {
        using Plot plot = new();
        double[] rates = [.. scan.Select(step => Math.Log10(step.LearningRate))];
        ScottPlot.Plottables.Scatter points = plot.Add.ScatterPoints(rates, scan.Select(step => step.Loss).ToArray());
        (points.Color, points.MarkerSize, points.LegendText) = (Colors.Gray.WithOpacity(0.5), 4, "a step");
        ScottPlot.Plottables.Scatter line = plot.Add.ScatterLine(rates, scan.Select(step => step.Smoothed).ToArray());
        (line.Color, line.LineWidth, line.LegendText) = (Color.FromHex("#c9211e"), 3, "smoothed");
        if (suggested is double rate)
        {
            ScottPlot.Plottables.VerticalLine at = plot.Add.VerticalLine(Math.Log10(rate));
            (at.Color, at.LineWidth, at.LegendText) = (Color.FromHex("#1f5fa8"), 2, string.Create(CultureInfo.InvariantCulture, $"--lr {rate:G2}"));
        }

        // Tenths of a decade are too many labels, a decade alone too few to read a rate from.
        int[] decades = [.. Enumerable.Range((int)Math.Floor(rates[0]), (int)Math.Ceiling(rates[^1]) - (int)Math.Floor(rates[0]) + 1)];
        double[] ticks = [.. decades.Select(decade => Math.Pow(10, decade)).SelectMany<double, double>(power => [power, 2 * power, 5 * power])];
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. ticks.Select(Math.Log10)], [.. ticks.Select(rate => rate.ToString("G3", CultureInfo.InvariantCulture))]);
        double least = scan.Min(step => step.Smoothed), first = scan[0].Smoothed;
        plot.Axes.SetLimitsY(least - (0.2 * (first - least)), first + (0.4 * (first - least)) + 0.01);
        plot.Axes.SetLimitsX(rates[0], rates[^1]);
        plot.Title(title, size: 20);
        plot.XLabel("learning rate", size: 16);
        plot.YLabel("loss, nats", size: 16);
        plot.Font.Set(LearningCurves.SansSerif());
        plot.ShowLegend(Alignment.LowerLeft);
        plot.SavePng(path, 900, 560);
    }
}
