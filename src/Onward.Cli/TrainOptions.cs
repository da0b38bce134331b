using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Onward.Data;
using Onward.Learning;
using Onward.Optimizers;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The options of <c>onward train</c>.</summary>
internal sealed class TrainOptions
{
    private const int MostEpochs = 1_000_000;

    private static readonly IReadOnlyList<string> Schedules = [.. Enum.GetNames<ScheduleShape>().Select(name => name.ToLowerInvariant())];

    private readonly Option<string?> _dataset = ValueOption.Name("--dataset", "mnist (default; found, or downloaded once) or digits (drawn by this program, no download)", Datasets.Names);
    private readonly Option<string?> _data = ValueOption.Folder("--data", "Folder with the four MNIST files, plain or .gz. Default: $ONWARD_DATA, then the cache");
    private readonly Option<string?> _model = ModelChoice.Option(PresetDefaults.Model);
    private readonly RuleChoice _rule = new();
    private readonly Option<LossScope> _lossScope = LossScopeOption();
    private readonly Option<int?> _epochs = ValueOption.Whole("--epochs", $"Passes over the training set. Default: {PresetDefaults.Show(preset => preset.Epochs)}", 1, MostEpochs);
    private readonly Option<int?> _batchSize = ValueOption.Whole("--batch-size", "Images in a step. Default 128", 1);
    private readonly Option<double?> _learningRate = ValueOption.Number("--lr", $"Learning rate. Default: {PresetDefaults.Show(preset => preset.LearningRate)}", "above 0", value => value > 0);
    private readonly Option<double?> _momentum = ValueOption.Number("--momentum", "SGD momentum. Default 0.9", "from 0 to below 1", value => value is >= 0 and < 1);
    private readonly Option<double?> _weightDecay = ValueOption.Number("--weight-decay", "Weight decay on matrices. Default 0.0001", "0 or above", value => value >= 0);
    private readonly Option<string?> _schedule = ValueOption.Name("--schedule", $"How the learning rate falls: {ValueOption.List(Schedules)}. Default cosine", Schedules);
    private readonly Option<double?> _warmupEpochs = ValueOption.Number("--warmup-epochs", "Epochs, or parts of one, over which the learning rate rises. Default 1", "0 or above", value => value >= 0);
    private readonly Option<ulong?> _seed = ValueOption.Seed("--seed", "Names every random draw of the run. Default 1");
    private readonly Option<int?> _validation = ValueOption.Whole("--validation", "Hold out the last N training images and report errors on them; the test set is not touched. Default 0", 0);
    private readonly Option<string?> _out = ValueOption.Folder("--out", "Run folder, new or empty. Default: runs/DATASET-MODEL-RULE-seedN");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };

    /// <summary>Adds the options to the command, in the order of its help.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_dataset);
        command.Add(_data);
        command.Add(_model);
        _rule.AddTo(command);
        foreach (Option option in new Option[] { _lossScope, _epochs, _batchSize, _learningRate, _momentum, _weightDecay, _schedule, _warmupEpochs, _seed, _validation, _out, _json })
        {
            command.Add(option);
        }
    }

    /// <summary>What the command line says, with the preset's defaults for the rest.</summary>
    internal Plan Read(ParseResult parse)
    {
        string model = parse.GetValue(_model) ?? PresetDefaults.Model;
        RuleChoice.Settings rule = _rule.Read(parse);
        if (!PaperRules.HasLossScope(rule.Rule))
        {
            RuleChoice.RequireAbsent(parse, _lossScope, rule.Rule);
        }

        PresetDefaults preset = PresetDefaults.For(model);
        int epochs = parse.GetValue(_epochs) ?? preset.Epochs;
        if (parse.GetValue(_warmupEpochs) is double asked && asked > epochs)
        {
            throw new CommandFault(string.Create(CultureInfo.InvariantCulture, $"--warmup-epochs {asked} is more than the {epochs} epoch{(epochs == 1 ? "" : "s")} of the run. Take a shorter warm-up or more epochs."));
        }

        TrainingOptions training = new()
        {
            Epochs = epochs,
            BatchSize = parse.GetValue(_batchSize) ?? preset.BatchSize,
            LearningRate = parse.GetValue(_learningRate) ?? preset.LearningRate,
            Momentum = parse.GetValue(_momentum) ?? preset.Momentum,
            WeightDecay = parse.GetValue(_weightDecay) ?? preset.WeightDecay,
            Schedule = parse.GetValue(_schedule) is string name ? Enum.Parse<ScheduleShape>(name, ignoreCase: true) : preset.Schedule,
            WarmupEpochs = parse.GetValue(_warmupEpochs) ?? Math.Min(preset.WarmupEpochs, epochs),
            Seed = parse.GetValue(_seed) ?? 1,
        };
        return new Plan(
            parse.GetValue(_dataset),
            parse.GetValue(_data),
            model,
            rule,
            parse.GetResult(_lossScope) is null ? LossScope.All : parse.GetValue(_lossScope),
            training,
            parse.GetValue(_validation) ?? 0,
            parse.GetValue(_out),
            parse.GetValue(_json));
    }

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
    internal sealed record Plan(
        string? Dataset,
        string? Data,
        string Model,
        RuleChoice.Settings Rule,
        LossScope LossScope,
        TrainingOptions Training,
        int Validation,
        string? Out,
        bool AsJson)
    {
        /// <summary>The run as it was resolved.</summary>
        internal RunConfiguration Configure(string dataset, ImageDataset data, long parameters, string? directory) => new()
        {
            Version = Cli.Version,
            Rule = Rule.Rule,
            Perturbation = Rule.Perturbation,
            Passes = Rule.Passes,
            LossScope = LossScope,
            Model = Model,
            Parameters = parameters,
            Dataset = dataset,
            DatasetSource = data.Source,
            Data = directory,
            TrainingImages = data.Training.Count,
            Validation = Validation,
            Epochs = Training.Epochs,
            BatchSize = Training.BatchSize,
            LearningRate = Training.LearningRate,
            Momentum = Training.Momentum,
            WeightDecay = Training.WeightDecay,
            Schedule = Training.Schedule,
            WarmupEpochs = Training.WarmupEpochs,
            Seed = Training.Seed,
            Threads = Rule.Threads,
        };
    }
}
