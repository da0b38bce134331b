using System.CommandLine;
using Onward.Losses;

namespace Onward.Cli;

/// <summary><c>onward compare</c>: trains several rules on the same data and compares them.</summary>
internal sealed class CompareCommand
{
    private const int DefaultSeeds = 3;
    private const string Name = "comparison";

    private readonly Option<string[]> _rules = ValueOption.Names(
        "--rules", $"Learning rules, separated by commas: {string.Join(", ", PaperRules.Names)}. Default: all", PaperRules.Names);
    private readonly Option<int?> _seeds = SeedsOption(DefaultSeeds);
    private readonly DataChoice _data = new();
    private readonly ObjectiveChoice _objective = new();
    private readonly OptimizerChoice _optimizer = new();
    private readonly AugmentationChoice _augmentation = new();
    private readonly ModelChoice _model = ModelChoice.WithDefault(PresetDefaults.Model);
    private readonly Option<int?> _epochs = TrainOptions.EpochsOption();
    private readonly Option<int?> _batchSize = TrainOptions.BatchSizeOption();
    private readonly Option<LearningRates?> _learningRates = LearningRates.Option();
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<string?> _out = ValueOption.Folder(
        "--out", "Folder of the comparison and its runs. Finished runs in it are not repeated. Default: compare/DATASET-MODEL");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private CompareCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        CompareCommand compare = new(host);
        Command command = new("compare", "Train several rules on the same data, and write a table and learning curves.");
        command.Add(compare._rules);
        command.Add(compare._seeds);
        compare._data.AddSourceTo(command);
        foreach (Option option in (Option[])[.. compare._model.All, compare._epochs, compare._batchSize, compare._learningRates])
        {
            command.Add(option);
        }

        compare._objective.AddTo(command);
        command.Add(compare._optimizer.Kind);
        compare._augmentation.AddTo(command);
        compare._data.AddValidationTo(command);
        command.Add(compare._threads);
        command.Add(compare._out);
        command.Add(compare._json);
        command.SetAction(compare.Run);
        return command;
    }

    /// <summary>Creates the option for the number of seeds.</summary>
    internal static Option<int?> SeedsOption(int byDefault) =>
        ValueOption.Whole("--seeds", $"Number of runs per rule, with the seeds 1 to N. Default {byDefault}", 1, 1000);

    private int Run(ParseResult parse)
    {
        RunPlan[] plans = [.. Plans(parse)];
        string? named = parse.GetValue(_out);
        if (named is not null)
        {
            RunFolder.RequireNoFile(_host.Resolve(named));
        }

        TrainingData data = _data.Read(parse).Load(_host);
        string folder = _host.Resolve(named ?? Path.Combine("compare", $"{data.Dataset}-{plans[0].Model.FolderName}"));
        RunSeries series = new(folder, [.. plans.Select(plan => (RunSeries.NameOf(plan), plan))], data, _host, _host.DisplayInSeries);
        _host.Interruption.ThrowIfCancellationRequested();
        _host.ShowNotices();
        Comparison comparison = new(series.Run(), data.HeldOut);
        Write(comparison, folder);
        Report(comparison, folder, parse.GetValue(_json));
        return ExitCode.Done;
    }

    private IEnumerable<RunPlan> Plans(ParseResult parse)
    {
        IReadOnlyList<string> rules = parse.GetValue(_rules) is [_, ..] named ? named : PaperRules.Names;
        ModelSettings model = _model.Read(parse, _host.Resolve, PresetDefaults.Model);
        ObjectiveSettings objective = _objective.Read(parse);
        AugmentationSettings augmentation = _augmentation.Read(parse, _data.Read(parse).Dataset, objective.IsContrastive);
        LearningRates? rates = parse.GetValue(_learningRates);
        if (rates?.ByRule.Keys.FirstOrDefault(rule => !rules.Contains(rule)) is string stranger)
        {
            throw new CommandFault($"--lr gives a rate for {stranger}, which is not in --rules. Leave it out, or add it to --rules.");
        }

        foreach (string rule in rules)
        {
            RuleChoice.Require(parse, rule);
            PresetDefaults defaults = PresetDefaults.For(
                model.Preset, rule, objective.IsContrastive, optimizer: _optimizer.ReadKind(parse));
            defaults = defaults with
            {
                BatchSize = parse.GetValue(_batchSize) ?? defaults.BatchSize,
                LearningRate = rates?.For(rule) ?? defaults.LearningRate,
            };
            RuleSettings settings = RuleSettings.Default(rule, RuleChoice.Threads(parse, _threads));
            RuleOptions.Require(settings, LossScope.All, objective, model);
            for (int seed = 1; seed <= (parse.GetValue(_seeds) ?? DefaultSeeds); seed++)
            {
                yield return new RunPlan(
                    model,
                    settings,
                    LossScope.All,
                    objective,
                    augmentation,
                    defaults.Training(parse.GetValue(_epochs), (ulong)seed))
                {
                    Following = new SizeDefaults(parse.GetValue(_batchSize) is null, parse.GetValue(_epochs) is null, WarmupEpochs: true),
                };
            }
        }
    }

    private void Write(Comparison comparison, string folder)
    {
        try
        {
            using (StreamWriter markdown = new(Path.Combine(folder, $"{Name}.md")) { NewLine = "\n" })
            {
                markdown.WriteLine($"# {comparison.Title}");
                markdown.WriteLine();
                comparison.Table().WriteMarkdown(markdown);
                markdown.WriteLine();
                markdown.WriteLine($"{comparison.Note} Onward {comparison.Options.Version}.");
                markdown.WriteLine();
                markdown.WriteLine($"![Learning curves]({Name}.png)");
            }

            File.WriteAllText(Path.Combine(folder, $"{Name}.csv"), string.Join('\n', comparison.CsvLines()) + "\n");
            LearningCurves.Save(comparison, Path.Combine(folder, $"{Name}.png"));
        }
        catch (Exception fault) when (fault is DllNotFoundException or TypeInitializationException)
        {
            _host.Error.WriteLine($"onward: {Name}.png is missing, because the plotting library cannot be loaded on this machine.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault(
                $"the comparison cannot be written to {folder}: {fault.Message} The runs are saved. Run the same command again.", fault);
        }
    }

    private void Report(Comparison comparison, string folder, bool asJson)
    {
        if (asJson)
        {
            RunConfiguration run = comparison.Options;
            _host.WriteJson(
                new Outcome(
                    run.Dataset,
                    run.Network.Name,
                    run.Epochs,
                    run.BatchSize,
                    run.Threads,
                    comparison.HeldOut,
                    [.. comparison.Rules.Select(RuleOutcome.Of)],
                    folder));
            return;
        }

        _host.Out.WriteLine(comparison.Title);
        comparison.Table().Write(_host.Out, _host.OutWidth());
        _host.Out.WriteLine(comparison.Note);
        _host.Out.WriteLine($"{Path.Combine(folder, Name)}.md, .csv and .png contain the table and the learning curves");
    }

    private sealed record Outcome(
        string Dataset,
        string Model,
        int Epochs,
        int BatchSize,
        int Threads,
        string ErrorsOn,
        IReadOnlyList<RuleOutcome> Rules,
        string Folder);

    private sealed record RuleOutcome(
        string Rule,
        double LearningRate,
        int Seeds,
        int Diverged,
        double? TestError,
        double? TestErrorDeviation,
        double? TrainError,
        double? TrainErrorDeviation,
        double? ImagesPerSecond,
        double ActivationMB,
        double? Seconds,
        double? PaperTestError,
        double? PaperTrainError)
    {
        internal static RuleOutcome Of(ComparedRule rule) => new(
            rule.Rule,
            rule.LearningRate,
            rule.Seeds,
            rule.Diverged,
            ResultJson.Round(rule.TestError?.Mean),
            ResultJson.Round(rule.TestError?.Deviation),
            ResultJson.Round(rule.TrainError?.Mean),
            ResultJson.Round(rule.TrainError?.Deviation),
            rule.ImagesPerSecond,
            rule.ActivationMB,
            rule.Seconds,
            rule.Paper?.TestError,
            rule.Paper?.TrainError);
    }
}
