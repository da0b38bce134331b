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

    // Options that do not change the result of a run.
    private static readonly string[] BesideResume =
        ["--data", "--max-damaged", "--threads", "--parallel", "--max-time", "--checkpoint-minutes", "--keep", "--tensorboard", "--json"];

    private readonly DataChoice _data = new();
    private readonly ModelChoice _model = ModelChoice.WithDefault(PresetDefaults.Model);
    private readonly RuleChoice _rule = new();
    private readonly ObjectiveChoice _objective = new();
    private readonly OptimizerChoice _optimizer = new();
    private readonly StartChoice _start = new();
    private readonly AugmentationChoice _augmentation = new();
    private readonly LimitChoice _limits = new();
    private readonly Option<LossScope> _lossScope = LossScopeOption();
    private readonly Option<int?> _epochs = EpochsOption();
    private readonly Option<int?> _batchSize = BatchSizeOption();
    private readonly Option<double?> _learningRate = ValueOption.Number(
        "--lr",
        $"Learning rate. The default depends on model and rule. For {PaperRules.Default}: "
        + $"{PresetDefaults.Show(preset => preset.LearningRate)}; {PresetDefaults.ContrastiveRateScale} times as high in contrastive runs. "
        + FormattableString.Invariant(
            $"For adamw and muon: {PresetDefaults.AdaptiveRateOfOneBlock} for S/1/1 and M/1/16, else {PresetDefaults.AdaptiveRate}"),
        "above 0",
        value => value > 0);
    private readonly Option<string?> _schedule = ValueOption.Name(
        "--schedule", $"Learning-rate schedule: {ValueOption.List(Schedules)}. Default cosine", Schedules);
    private readonly Option<double?> _warmupEpochs = ValueOption.Number(
        "--warmup-epochs",
        "Epochs over which the learning rate rises to --lr; fractions are allowed. Default 1; more for a small training set",
        "0 or above",
        value => value >= 0);
    private readonly Option<double?> _ema = ValueOption.Number(
        "--ema",
        "Decay of an exponential moving average of the weights, such as 0.999. The average is evaluated and saved. Default: no average",
        "from 0 to below 1",
        value => value is >= 0 and < 1);
    private readonly Option<int?> _measureGradients = ValueOption.Whole(
        "--measure-gradients",
        "Number of steps per epoch at which each block's gradients are compared with the exact gradients of the same losses. "
        + "Norms and cosine go to metrics.csv. Each comparison costs a step of backprop. Default 0",
        0);
    private readonly Option<ulong?> _seed = ValueOption.Seed("--seed", "Seed of all random numbers of the run. Default 1");
    private readonly Option<string?> _out = ValueOption.Folder(
        "--out", "Run folder; it must be new or empty. Default: runs/DATASET-MODEL-RULE-seedN");
    private readonly Option<string?> _resume = ValueOption.Folder(
        "--resume",
        "Folder of a stopped run to resume. The result is the same as without the interruption, bit for bit. "
        + "With --epochs, the run becomes longer, also if it has ended. "
        + $"Other options allowed: {ValueOption.List(BesideResume)}; --best or --epoch, with --out");
    private readonly EpochChoice _epoch = new(
        "With --resume: start a new run from the checkpoint", "Default: resume in the run's own folder, from the last checkpoint");
    private readonly Option<double?> _maxTime = ValueOption.Number(
        "--max-time",
        "Time limit in minutes. The run then stops as after Ctrl-C and can be resumed. Default: no limit",
        "from 0.001 to 1000000",
        value => value is >= 0.001 and <= 1_000_000);
    private readonly Option<double?> _checkpointMinutes = ValueOption.Number(
        "--checkpoint-minutes",
        "Minutes between checkpoints within an epoch. Another checkpoint follows each epoch. Default 10",
        "from 0 to 100000",
        value => value is >= 0 and <= 100_000);
    private readonly Option<int?> _keep = ValueOption.Whole(
        "--keep", "Number of latest checkpoints to keep, in addition to the checkpoint with the lowest error. Default 2", 1);
    private readonly Option<bool> _tensorBoard = new("--tensorboard")
    {
        Description = "Write TensorBoard event files to the run folder: scalars, histograms of weights, and augmented training images. "
            + "A resumed run continues to write them",
    };

    private readonly Option<string?> _config = ConfigurationFile.Option();
    private readonly Option<bool> _dumpConfig = new("--dump-config")
    {
        Description = "Print the options, including defaults, as a file for --config. Nothing is trained",
    };

    private readonly Option<string?> _parallel = Ranks.Option();
    private readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Load the data, train a few steps, and print the expected speed, memory and time. Nothing is saved",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };

    /// <summary>Creates the option for the number of epochs.</summary>
    internal static Option<int?> EpochsOption() =>
        ValueOption.Whole(
            "--epochs",
            $"Passes over the training set. Default: {PresetDefaults.Show(preset => preset.Epochs)}; more for a small training set",
            1,
            1_000_000);

    /// <summary>Creates the option for the batch size.</summary>
    internal static Option<int?> BatchSizeOption() =>
        ValueOption.Whole("--batch-size", "Batch size: images per step. Default 128; smaller for fewer than 512 training images", 1);

    /// <summary>Adds all options to a command, in the order of its help.</summary>
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

    /// <summary>Adds the options that change the result of a run.</summary>
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

    /// <summary>Adds the options for network, data and learning rule, but not for the learning rate and the length of training.</summary>
    internal void AddProblemTo(Command command)
    {
        _data.AddSourceTo(command);
        _model.AddTo(command);
        _rule.AddTo(command);
        _objective.AddTo(command);
        _augmentation.AddTo(command);
        command.Add(_lossScope);
        command.Add(_batchSize);
        _optimizer.AddTo(command);
        _start.AddTo(command);
        command.Add(_seed);
    }

    /// <summary>The option for the seed.</summary>
    internal Option Seed => _seed;

    /// <summary>True if the command only prints the options.</summary>
    internal bool OnlyShows(ParseResult parse) => parse.GetValue(_dumpConfig);

    /// <summary>Returns the time limit, or null if there is none.</summary>
    internal TimeSpan? MaxTime(ParseResult parse) => parse.GetValue(_maxTime) is double minutes ? TimeSpan.FromMinutes(minutes) : null;

    /// <summary>True if the command is a dry run.</summary>
    internal bool OnlyTries(ParseResult parse) => parse.GetValue(_dryRun);

    /// <summary>Returns the way in which processes share the run, or null for one process.</summary>
    internal string? Parallel(ParseResult parse) => parse.GetValue(_parallel);

    /// <summary>Formats the options, including defaults, as a file for <c>--config</c>.</summary>
    internal string Show(ParseResult parse, Host host)
    {
        Plan plan = Read(parse, host.Resolve);

        // Some defaults depend on the number of training images. Only the user's own data sets can be small enough to change them.
        bool looks = plan.Data is { Dataset: Datasets.Folder or Datasets.Idx, Directory: string place }
            && Directory.Exists(host.Resolve(place));
        RunPlan run = looks ? plan.Run.FitTo(plan.Data.Load(host), host) : plan.Run;
        TrainingOptions training = run.Training;
        Dictionary<string, object> resolved = new()
        {
            ["--rule"] = run.Rule.Rule,
            [_epochs.Name] = training.Epochs,
            [_batchSize.Name] = training.BatchSize,
            [_learningRate.Name] = training.LearningRate,
            [_optimizer.Momentum.Name] = training.Momentum,
            [_optimizer.WeightDecay.Name] = training.WeightDecay,
            [_schedule.Name] = training.Schedule.ToString().ToLowerInvariant(),
            [_warmupEpochs.Name] = training.WarmupEpochs,
            [_seed.Name] = training.Seed,
        };
        if (run.Model.File is null)
        {
            resolved["--model"] = run.Model.Preset;
        }

        if (!run.Objective.IsContrastive)
        {
            resolved["--augment"] = run.Views.Name;
        }

        return ConfigurationFile.Write(parse, parse.CommandResult.Command.Options.Where(ConfigurationFile.MayBeIn), resolved);
    }

    /// <summary>Reads the run that the command line resumes, or returns null if it starts a new run.</summary>
    internal Resumption? ReadResumption(ParseResult parse)
    {
        WantedEpoch? epoch = _epoch.Read(parse);
        if (parse.GetValue(_resume) is not string run)
        {
            return epoch is null
                ? null
                : throw new CommandFault(
                    "--best and --epoch choose an epoch of the run that --resume names. Add --resume, or leave them out. "
                    + "The number of epochs to train is --epochs.");
        }

        bool MayBeGiven(Option option) =>
            option == _resume || option == _epochs || _epoch.Has(option) || (epoch is not null && option == _out)
            || BesideResume.Contains(option.Name);

        IEnumerable<OptionResult> given = parse.CommandResult.Children.OfType<OptionResult>().Where(option => !option.Implicit);
        if (given.FirstOrDefault(option => !MayBeGiven(option.Option)) is OptionResult other)
        {
            throw new CommandFault(
                $"{other.Option.Name} cannot be given with --resume: a run keeps the options that it was started with. Leave it out.");
        }

        return new Resumption(
            run,
            parse.GetValue<string?>("--data"),
            parse.GetValue<double?>("--max-damaged"),
            parse.GetValue<int?>("--threads"),
            parse.GetValue(_epochs),
            epoch,
            parse.GetValue(_out),
            ReadKeeping(parse));
    }

    /// <summary>Reads a new run from the command line, with the preset's defaults for the options that are not given.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="resolve">Resolves the path of a file.</param>
    internal Plan Read(ParseResult parse, Func<string, string> resolve)
    {
        ModelSettings model = _model.Read(parse, resolve, PresetDefaults.Model);
        RuleSettings rule = _rule.Read(parse);
        ObjectiveSettings objective = _objective.Read(parse);
        ulong seed = parse.GetValue(_seed) ?? DataChoice.DefaultSeed;
        TrainingOptions defaults = PresetDefaults
            .For(model.Preset, rule.Rule, objective.IsContrastive, rule.ControlVariate, _optimizer.ReadKind(parse))
            .Training(parse.GetValue(_epochs), seed);
        if (parse.GetValue(_warmupEpochs) is double asked && asked > defaults.Epochs)
        {
            throw new CommandFault(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"--warmup-epochs {asked} is more than the {defaults.Epochs} epoch{(defaults.Epochs == 1 ? "" : "s")} of the run. ")
                + "Choose a shorter warm-up or more epochs.");
        }

        TrainingOptions training = _optimizer.Read(parse, defaults) with
        {
            BatchSize = parse.GetValue(_batchSize) ?? defaults.BatchSize,
            LearningRate = parse.GetValue(_learningRate) ?? defaults.LearningRate,
            Schedule = parse.GetValue(_schedule) is string name ? Enum.Parse<ScheduleShape>(name, ignoreCase: true) : defaults.Schedule,
            WarmupEpochs = parse.GetValue(_warmupEpochs) ?? defaults.WarmupEpochs,
            AverageDecay = parse.GetValue(_ema) ?? defaults.AverageDecay,
            ComparedSteps = parse.GetValue(_measureGradients) ?? defaults.ComparedSteps,
        };
        LossScope scope = parse.GetResult(_lossScope) is null ? LossScope.All : parse.GetValue(_lossScope);
        RuleOptions.Require(rule, scope, objective, model);
        DataSettings data = _data.Read(parse);
        data = data.Dataset == Datasets.Text ? data with { Context = data.Context ?? model.Context } : data;
        LimitSettings limits = _limits.Read(parse, data.Validation);
        AugmentationSettings augmentation = _augmentation.Read(
            parse, limits.OverfitBatches is null ? data.Dataset : null, objective.IsContrastive);
        Keeping keeping = ReadKeeping(parse);
        RunPlan run = new(model, rule, scope, objective, augmentation, limits.Adapt(training))
        {
            OverfitBatches = limits.OverfitBatches,
            Following = new SizeDefaults(
                parse.GetValue(_batchSize) is null, parse.GetValue(_epochs) is null, parse.GetValue(_warmupEpochs) is null),
        };
        run = _start.Read(parse, resolve, run);
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
        Description = "Local losses of an LG-FG rule, separated by commas: block, and optionally patch and group. "
            + "Default block,patch,group",
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
            result.AddError($"--loss-scope must contain block; got {ParseFaults.Quote(text)}.");
        }

        return scope;
    }

    /// <summary>A new run.</summary>
    internal sealed record Plan(DataSettings Data, RunPlan Run, string? Out, Keeping Keeping);

    /// <summary>A run to resume. Parameters that are null keep their value from the start of the run.</summary>
    /// <param name="Run">The run folder.</param>
    /// <param name="Data">The folder of the data set.</param>
    /// <param name="MaxDamaged">The percentage of images that may be damaged.</param>
    /// <param name="Threads">The number of threads.</param>
    /// <param name="Epochs">The number of epochs to go on to.</param>
    /// <param name="Epoch">The epoch to continue from in a new folder, or null to continue in the run folder.</param>
    /// <param name="Out">The new folder, or null for its default.</param>
    /// <param name="Keeping">The checkpoints and outputs of the run.</param>
    internal sealed record Resumption(
        string Run, string? Data, double? MaxDamaged, int? Threads, int? Epochs, WantedEpoch? Epoch, string? Out, Keeping Keeping)
    {
        /// <summary>The settings that may be new.</summary>
        internal Continuation Continuation => new()
        {
            Data = Data,
            MaxDamaged = MaxDamaged,
            Threads = Threads,
            Epochs = Epochs,
            Interval = Keeping.Interval,
            Checkpoints = Keeping.Checkpoints,
            TensorBoard = Keeping.TensorBoard,
        };
    }

    /// <summary>The checkpoints and outputs of a run.</summary>
    /// <param name="Interval">The time between checkpoints within an epoch.</param>
    /// <param name="Checkpoints">The number of latest checkpoints that are kept.</param>
    /// <param name="TensorBoard">True to write TensorBoard event files.</param>
    /// <param name="AsJson">True to print the result as one line of JSON.</param>
    internal sealed record Keeping(TimeSpan Interval, int Checkpoints, bool TensorBoard, bool AsJson)
    {
        /// <summary>Sets the interval between the checkpoints of a run.</summary>
        internal RunPlan Adapt(RunPlan run) => run with { Options = run.Options with { CheckpointInterval = Interval } };
    }
}
