using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Onward.Losses;
using Onward.Optimizers;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options of <c>onward train</c>.</summary>
internal sealed class TrainOptions
{
    private static readonly IReadOnlyList<string> Schedules = [.. Enum.GetNames<ScheduleShape>().Select(name => name.ToLowerInvariant())];

    // What changes no result.
    private static readonly string[] BesideResume =
        ["--data", "--max-damaged", "--threads", "--parallel", "--max-time", "--checkpoint-minutes", "--keep", "--tensorboard", "--json"];

    private readonly DataChoice _data = new();
    private readonly ModelChoice _model = ModelChoice.WithDefault(PresetDefaults.Model);
    private readonly RuleChoice _rule = new();
    private readonly ObjectiveChoice _objective = new();
    private readonly AugmentationChoice _augmentation = new();
    private readonly LimitChoice _limits = new();
    private readonly Option<LossScope> _lossScope = LossScopeOption();
    private readonly Option<int?> _epochs = EpochsOption();
    private readonly Option<int?> _batchSize = BatchSizeOption();
    private readonly Option<double?> _learningRate = ValueOption.Number(
        "--lr",
        $"Learning rate. Default by model and rule; {PaperRules.Default}: {PresetDefaults.Show(preset => preset.LearningRate)}; contrastive, {PresetDefaults.ContrastiveRateScale} times as high",
        "above 0",
        value => value > 0);
    private readonly Option<double?> _momentum = ValueOption.Number(
        "--momentum", "SGD momentum. Default 0.9", "from 0 to below 1", value => value is >= 0 and < 1);
    private readonly Option<double?> _weightDecay = ValueOption.Number(
        "--weight-decay", "Weight decay on matrices. Default 0.0001", "0 or above", value => value >= 0);
    private readonly Option<string?> _schedule = ValueOption.Name(
        "--schedule", $"How the learning rate falls: {ValueOption.List(Schedules)}. Default cosine", Schedules);
    private readonly Option<double?> _warmupEpochs = ValueOption.Number(
        "--warmup-epochs",
        "Epochs, or parts of one, over which the learning rate rises. Default 1; more for a small set",
        "0 or above",
        value => value >= 0);
    private readonly Option<double?> _ema = ValueOption.Number(
        "--ema",
        "Evaluate and keep an exponential moving average of the weights, of which each step keeps this part: 0.999, say. Default: no average",
        "from 0 to below 1",
        value => value is >= 0 and < 1);
    private readonly Option<int?> _measureGradients = ValueOption.Whole(
        "--measure-gradients",
        "At N steps of each epoch compare the gradients of each block with the exact ones of the same losses: norms and cosine, in metrics.csv. Costs a step of backprop each. Default 0",
        0);
    private readonly Option<ulong?> _seed = ValueOption.Seed("--seed", "Names every random draw of the run. Default 1");
    private readonly Option<string?> _out = ValueOption.Folder("--out", "Run folder, new or empty. Default: runs/DATASET-MODEL-RULE-seedN");
    private readonly Option<string?> _resume = ValueOption.Folder(
        "--resume",
        $"Go on with a run that was stopped, to the same result bit for bit: its folder. Of the other options it takes {ValueOption.List(BesideResume)}, and --best or --epoch with --out");
    private readonly EpochChoice _epoch = new(
        "With --resume: begin a new run folder that goes on from the end", "Default: the last checkpoint, in the run's own folder");
    private readonly Option<double?> _maxTime = ValueOption.Number(
        "--max-time",
        "Minutes after which the run stops as after Ctrl-C, to be gone on with. Default: none",
        "from 0.001 to 1000000",
        value => value is >= 0.001 and <= 1_000_000);
    private readonly Option<double?> _checkpointMinutes = ValueOption.Number(
        "--checkpoint-minutes",
        "Minutes between checkpoints within an epoch; there is one after each epoch anyway. Default 10",
        "from 0 to 100000",
        value => value is >= 0 and <= 100_000);
    private readonly Option<int?> _keep = ValueOption.Whole(
        "--keep", "How many of the last checkpoints are kept, beside the one of the lowest error. Default 2", 1);
    private readonly Option<bool> _tensorBoard =
        new("--tensorboard") { Description = "Write files of events for TensorBoard to the run folder: scalars, histograms of weights, the first training views. A run that is gone on with keeps writing them" };
    private readonly Option<string?> _config = ConfigurationFile.Option();
    private readonly Option<bool> _dumpConfig =
        new("--dump-config") { Description = "Print the options as a file for --config, with the defaults that they come to, and train nothing" };
    private readonly Option<string?> _parallel = Ranks.Option();
    private readonly Option<bool> _dryRun =
        new("--dry-run") { Description = "Load the data, train a few steps, say what the run would take, and keep nothing" };
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };

    /// <summary>Makes the option for the number of epochs.</summary>
    internal static Option<int?> EpochsOption() =>
        ValueOption.Whole(
            "--epochs",
            $"Passes over the training set. Default: {PresetDefaults.Show(preset => preset.Epochs)}; more for a small set",
            1,
            1_000_000);

    /// <summary>Makes the option for the size of a batch.</summary>
    internal static Option<int?> BatchSizeOption() =>
        ValueOption.Whole("--batch-size", "Images in a step. Default 128; fewer where there are fewer than 512 training images", 1);

    /// <summary>Adds the options to the command, in the order of its help.</summary>
    internal void AddTo(Command command)
    {
        AddSettingsTo(command);
        command.Add(_measureGradients);
        command.Add(_out);
        command.Add(_resume);
        _epoch.AddTo(command);
        command.Add(_maxTime);
        command.Add(_checkpointMinutes);
        command.Add(_keep);
        command.Add(_tensorBoard);
        command.Add(_parallel);
        command.Add(_config);
        command.Add(_dumpConfig);
        command.Add(_dryRun);
        command.Add(_json);
    }

    /// <summary>Adds what makes a run what it is.</summary>
    internal void AddSettingsTo(Command command)
    {
        AddProblemTo(command);
        foreach (Option option in new Option[] { _epochs, _learningRate, _schedule, _warmupEpochs, _ema })
        {
            command.Add(option);
        }

        _data.AddValidationTo(command);
        _limits.AddTo(command);
    }

    /// <summary>Adds what is trained, on what and by which rule, but not for how long and how fast.</summary>
    internal void AddProblemTo(Command command)
    {
        _data.AddSourceTo(command);
        _model.AddTo(command);
        _rule.AddTo(command);
        _objective.AddTo(command);
        _augmentation.AddTo(command);
        foreach (Option option in new Option[] { _lossScope, _batchSize, _momentum, _weightDecay, _seed })
        {
            command.Add(option);
        }
    }

    /// <summary>The option that names the draws of a run.</summary>
    internal Option Seed => _seed;

    /// <summary>Whether the options are only to be shown.</summary>
    internal bool OnlyShows(ParseResult parse) => parse.GetValue(_dumpConfig);

    /// <summary>Time after which the run stops; null for none.</summary>
    internal TimeSpan? MaxTime(ParseResult parse) => parse.GetValue(_maxTime) is double minutes ? TimeSpan.FromMinutes(minutes) : null;

    /// <summary>Whether the run is only to be tried.</summary>
    internal bool OnlyTries(ParseResult parse) => parse.GetValue(_dryRun);

    /// <summary>How processes share the run; null for one process.</summary>
    internal string? Parallel(ParseResult parse) => parse.GetValue(_parallel);

    /// <summary>The options as a file for <c>--config</c>, with the defaults that they come to.</summary>
    internal string Show(ParseResult parse, Host host)
    {
        Plan plan = Read(parse);

        // Only images of one's own can be few: they are looked at for the defaults that follow their number, if they are on this machine.
        bool looks = plan.Data is { Dataset: Datasets.Folder or Datasets.Idx, Directory: string place }
            && Directory.Exists(host.Resolve(place));
        RunPlan run = looks ? plan.Run.FitTo(plan.Data.Load(host), host) : plan.Run;
        TrainingOptions training = run.Training;
        Dictionary<string, object> resolved = new()
        {
            ["--model"] = run.Model.Preset,
            ["--rule"] = run.Rule.Rule,
            [_epochs.Name] = training.Epochs,
            [_batchSize.Name] = training.BatchSize,
            [_learningRate.Name] = training.LearningRate,
            [_momentum.Name] = training.Momentum,
            [_weightDecay.Name] = training.WeightDecay,
            [_schedule.Name] = training.Schedule.ToString().ToLowerInvariant(),
            [_warmupEpochs.Name] = training.WarmupEpochs,
            [_seed.Name] = training.Seed,
        };
        if (!run.Objective.IsContrastive)
        {
            resolved["--augment"] = run.Augmentation;
        }

        return ConfigurationFile.Write(parse, parse.CommandResult.Command.Options.Where(ConfigurationFile.MayBeIn), resolved);
    }

    /// <summary>The run that the command line goes on with; null where it begins one.</summary>
    internal Resumption? ReadResumption(ParseResult parse)
    {
        WantedEpoch? epoch = _epoch.Read(parse);
        if (parse.GetValue(_resume) is not string run)
        {
            return epoch is null
                ? null
                : throw new CommandFault(
                    "--best and --epoch choose an epoch of the run that --resume names. Name that run, or leave them out; --epochs says how many to train.");
        }

        bool MayBeGiven(Option option) =>
            option == _resume || _epoch.Has(option) || (epoch is not null && option == _out) || BesideResume.Contains(option.Name);
        if (parse.CommandResult.Children.OfType<OptionResult>().FirstOrDefault(given => !given.Implicit && !MayBeGiven(given.Option)) is OptionResult other)
        {
            throw new CommandFault(
                $"{other.Option.Name} cannot be given with --resume: a run goes on with the options that it was begun with. Leave it out.");
        }

        return new Resumption(
            run,
            parse.GetValue<string?>("--data"),
            parse.GetValue<double?>("--max-damaged"),
            parse.GetValue<int?>("--threads"),
            epoch,
            parse.GetValue(_out),
            ReadKeeping(parse));
    }

    /// <summary>What the command line says, with the preset's defaults for the rest.</summary>
    internal Plan Read(ParseResult parse)
    {
        ModelSettings model = _model.Read(parse, PresetDefaults.Model);
        RuleSettings rule = _rule.Read(parse);
        ObjectiveSettings objective = _objective.Read(parse);
        RuleOptions.Require(rule, objective, model);
        ulong seed = parse.GetValue(_seed) ?? DataChoice.DefaultSeed;
        TrainingOptions defaults = PresetDefaults.For(model.Preset, rule.Rule, objective.IsContrastive, rule.ControlVariate)
            .Training(parse.GetValue(_epochs), seed);
        if (parse.GetValue(_warmupEpochs) is double asked && asked > defaults.Epochs)
        {
            throw new CommandFault(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"--warmup-epochs {asked} is more than the {defaults.Epochs} epoch{(defaults.Epochs == 1 ? "" : "s")} of the run. Take a shorter warm-up or more epochs."));
        }

        TrainingOptions training = defaults with
        {
            BatchSize = parse.GetValue(_batchSize) ?? defaults.BatchSize,
            LearningRate = parse.GetValue(_learningRate) ?? defaults.LearningRate,
            Momentum = parse.GetValue(_momentum) ?? defaults.Momentum,
            WeightDecay = parse.GetValue(_weightDecay) ?? defaults.WeightDecay,
            Schedule = parse.GetValue(_schedule) is string name ? Enum.Parse<ScheduleShape>(name, ignoreCase: true) : defaults.Schedule,
            WarmupEpochs = parse.GetValue(_warmupEpochs) ?? defaults.WarmupEpochs,
            AverageDecay = parse.GetValue(_ema) ?? defaults.AverageDecay,
            ComparedSteps = parse.GetValue(_measureGradients) ?? defaults.ComparedSteps,
        };
        LossScope scope = parse.GetResult(_lossScope) is null ? LossScope.All : parse.GetValue(_lossScope);
        DataSettings data = _data.Read(parse);
        LimitSettings limits = _limits.Read(parse, data.Validation);
        AugmentationSettings augmentation = _augmentation.Read(
            parse, limits.OverfitBatches is null ? data.Dataset : null, objective.IsContrastive);
        Keeping keeping = ReadKeeping(parse);
        RunPlan run = new(model, rule, scope, objective, augmentation.Name, limits.Adapt(augmentation.Adapt(objective.Adapt(training))))
        {
            OverfitBatches = limits.OverfitBatches,
            FollowsChannels = augmentation.Blanks is null,
            Following = new SizeDefaults(
                parse.GetValue(_batchSize) is null, parse.GetValue(_epochs) is null, parse.GetValue(_warmupEpochs) is null),
        };
        return new Plan(data, keeping.Adapt(run), parse.GetValue(_out), keeping);
    }

    private Keeping ReadKeeping(ParseResult parse) =>
        new(
            TimeSpan.FromMinutes(parse.GetValue(_checkpointMinutes) ?? 10),
            parse.GetValue(_keep) ?? 2,
            parse.GetValue(_tensorBoard),
            parse.GetValue(_json));

    private static Option<LossScope> LossScopeOption() => new("--loss-scope")
    {
        Description = "Local losses that an LG-FG rule reads, by commas: block, and patch and group or not. Default block,patch,group",
        HelpName = "LIST",
        CustomParser = ReadLossScope,
    };

    private static LossScope ReadLossScope(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        LossScope scope = LossScope.Global;
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            LossScope flag = part.ToUpperInvariant() switch
            {
                "BLOCK" => LossScope.Block,
                "PATCH" => LossScope.Patch,
                "GROUP" => LossScope.Group,
                _ => LossScope.Global,
            };
            if (flag == LossScope.Global)
            {
                result.AddError($"--loss-scope takes block, patch and group, separated by commas; got {ParseFaults.Quote(text)}.");
                return scope;
            }

            scope |= flag;
        }

        if (!scope.HasFlag(LossScope.Block))
        {
            result.AddError($"--loss-scope must contain block, at whose end the losses are read; got {ParseFaults.Quote(text)}.");
        }

        return scope;
    }

    /// <summary>A run as the command line describes it.</summary>
    internal sealed record Plan(DataSettings Data, RunPlan Run, string? Out, Keeping Keeping);

    /// <summary>A run to go on with, and what may be new about it; null where it is as it was.</summary>
    /// <param name="Run">Its folder.</param>
    /// <param name="Data">The folder of its data set.</param>
    /// <param name="MaxDamaged">Percent of its images that may be damaged.</param>
    /// <param name="Threads">Threads.</param>
    /// <param name="Epoch">The epoch to go on from, in another folder; null to go on in its own.</param>
    /// <param name="Out">That other folder.</param>
    /// <param name="Keeping">How the run is kept and told of.</param>
    internal sealed record Resumption(
        string Run, string? Data, double? MaxDamaged, int? Threads, WantedEpoch? Epoch, string? Out, Keeping Keeping);

    /// <summary>How a run is kept and told of.</summary>
    /// <param name="Interval">Time between checkpoints within an epoch.</param>
    /// <param name="Checkpoints">How many of the last are kept.</param>
    /// <param name="TensorBoard">Whether there are events for TensorBoard.</param>
    /// <param name="AsJson">Whether the result is a line of JSON.</param>
    internal sealed record Keeping(TimeSpan Interval, int Checkpoints, bool TensorBoard, bool AsJson)
    {
        /// <summary>The run with its checkpoints at that interval.</summary>
        internal RunPlan Adapt(RunPlan run) => run with { Training = run.Training with { CheckpointInterval = Interval } };
    }
}
