using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO.Hashing;
using System.Text;

namespace Onward.Cli;

/// <summary><c>onward sweep</c>: trains with many settings and ranks them by error.</summary>
internal sealed class SweepCommand
{
    private const string Name = "sweep";
    private const int MostRuns = 100_000;
    private const int LongestName = 200;
    private const int HashLetters = 16;

    private readonly TrainOptions _options = new();
    private readonly Option<string[]> _vary = new("--vary")
    {
        Description =
            "An option and its values, such as lr=0.01,0.03,0.1 or, with --random, a range such as lr=0.001..0.1. "
            + "Repeat it to vary several options",
        HelpName = "NAME=VALUES",
        Required = true,
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<int?> _random = ValueOption.Whole(
        "--random", "Draw N settings at random, by --seed. Default: train with every combination", 1, MostRuns);
    private readonly Option<int?> _seeds = ValueOption.Whole(
        "--seeds",
        "Number of runs per setting, with the seeds 1 to N. Settings are ranked by the mean error. Default: one run, with --seed",
        1,
        1000);
    private readonly Option<string?> _out = ValueOption.Folder(
        "--out", "Folder of the sweep and its runs. Finished runs in it are not repeated. Default: sweep/DATASET-MODEL-RULE");
    private readonly Option<bool> _json = new("--json")
    {
        Description = "Print one line of JSON for each setting instead of a table, the best setting first",
    };

    private readonly Command _command;
    private readonly Host _host;

    private SweepCommand(Host host)
    {
        _host = host;
        _command = new Command(Name, "Train with many settings of options, in a grid or at random, and rank them by error.")
        {
            _vary, _random, _seeds,
        };
        _options.AddSettingsTo(_command);
        _command.Add(_out);
        _command.Add(_json);
        _command.SetAction(Run);
    }

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host) => new SweepCommand(host)._command;

    private int Run(ParseResult parse)
    {
        string? named = parse.GetValue(_out);
        if (named is not null)
        {
            RunFolder.RequireNoFile(_host.Resolve(named));
        }

        SweepVariation[] variations = ReadVariations(parse);
        Setting[] settings = [.. Settings(parse, variations)];
        TrainOptions.Plan first = settings[0].Plans[0];
        TrainingData data = first.Data.Load(_host);
        string folder = _host.Resolve(named ?? Path.Combine(Name, $"{data.Dataset}-{first.Run.Model.FolderName}-{first.Run.Rule.Rule}"));
        (string, RunPlan)[] runs = [.. settings.SelectMany(setting => setting.Plans.Select(plan => (NameOf(setting, plan.Run), plan.Run)))];
        RunSeries series = new(folder, runs, data, _host, _host.DisplayInSeries);
        _host.Interruption.ThrowIfCancellationRequested();
        if (data.HeldOut == "test")
        {
            _host.Notices.Add(
                "settings are ranked by errors on the test set, which is then no longer an independent test. "
                + "Use --validation N to rank them on a validation set.");
        }

        _host.ShowNotices();
        RankedSetting[] outcomes = RankedSetting.Rank([.. settings.Select(setting => setting.Values)], series.Run());
        string table = Write(folder, variations, outcomes, data.HeldOut);
        Report(variations, outcomes, data.HeldOut, table, parse.GetValue(_json));
        return ExitCode.Done;
    }

    // True if 'onward train' does not have the option.
    private bool IsOwn(Option option) => option == _vary || option == _random || option == _seeds || option == _out || option == _json;

    private SweepVariation[] ReadVariations(ParseResult parse)
    {
        Option[] options = [.. _command.Options.Where(option => !IsOwn(option) && ConfigurationFile.MayBeIn(option))];
        SweepVariation[] variations = [.. parse.GetValue(_vary)!.Select(text => SweepVariation.Read(text, options))];
        if (variations.GroupBy(variation => variation.Name).FirstOrDefault(group => group.Count() > 1) is { Key: string twice })
        {
            throw new CommandFault($"--vary names {twice} twice. Give all its values in one --vary.");
        }

        if (variations.FirstOrDefault(variation => parse.GetResult(variation.Option) is { Implicit: false }) is SweepVariation fixedToo)
        {
            throw new CommandFault($"{fixedToo.Option.Name} has a value and is varied too. Leave one of them out.");
        }

        if (parse.GetValue(_random) is null && variations.FirstOrDefault(variation => variation.IsRange) is SweepVariation range)
        {
            throw new CommandFault(
                $"--vary {range.Name} gives a range, which needs --random. Add --random N, or list values.");
        }

        bool seedIsVaried = variations.Any(variation => variation.Option == _options.Seed);
        bool seedIsGiven = parse.GetResult(_options.Seed) is { Implicit: false } && parse.GetValue(_random) is null;
        if (parse.GetValue(_seeds) is not null && (seedIsVaried || seedIsGiven))
        {
            throw new CommandFault("--seeds and --seed both choose the seeds of the runs. Leave one of them out.");
        }

        return variations;
    }

    private IEnumerable<Setting> Settings(ParseResult parse, SweepVariation[] variations)
    {
        string[] words = [.. parse.CommandResult.Children.OfType<OptionResult>()
            .Where(given => !given.Implicit && !IsOwn(given.Option))
            .SelectMany(given => given.Tokens.Select(token => token.Value).Prepend(given.Option.Name))];
        int?[] seeds = parse.GetValue(_seeds) is int count ? [.. Enumerable.Range(1, count).Select(seed => (int?)seed)] : [null];
        HashSet<string> known = [];
        foreach (string[] values in Choose(parse, variations))
        {
            if (known.Add(string.Join(' ', values)))
            {
                string[] chosen = [.. words, .. variations.Zip(values).SelectMany(pair => pair.First.Words(pair.Second))];
                yield return new Setting(variations, values, [.. seeds.Select(seed => Plan(variations, values, chosen, seed))]);
            }
        }
    }

    private TrainOptions.Plan Plan(SweepVariation[] variations, string[] values, string[] words, int? seed)
    {
        TrainOptions options = new();
        Command train = new("train");
        options.AddTo(train);
        string[] seeded = seed is null
            ? words
            : [.. WithoutSeed(words), _options.Seed.Name, seed.Value.ToString(CultureInfo.InvariantCulture)];
        ParseResult parse = train.Parse(seeded, ValueOption.Parsing);
        try
        {
            return parse.Errors.Count == 0 ? options.Read(parse, _host.Resolve) : throw new CommandFault(ParseFaults.Describe(parse));
        }
        catch (RunException fault)
        {
            string setting = string.Join(' ', variations.Zip(values, (variation, value) => $"{variation.Name}={value}"));
            throw new CommandFault($"--vary {setting}: {fault.In(CommandWords.Instance)}", fault);
        }
    }

    private IEnumerable<string> WithoutSeed(string[] words)
    {
        int at = Array.IndexOf(words, _options.Seed.Name);
        return at < 0 ? words : words.Where((_, i) => i != at && i != at + 1);
    }

    private IEnumerable<string[]> Choose(ParseResult parse, SweepVariation[] variations)
    {
        if (parse.GetValue(_random) is int draws)
        {
            Random random = new(unchecked((int)(ulong)(parse.GetValue((Option<ulong?>)_options.Seed) ?? 1)));
            return [.. Enumerable.Range(0, draws).Select(_ => variations.Select(variation => variation.Draw(random)).ToArray())];
        }

        IEnumerable<string[]> grid = variations.Aggregate<SweepVariation, IEnumerable<string[]>>(
            [[]], (sofar, variation) => sofar.SelectMany(values => variation.Values.Select(value => (string[])[.. values, value])));
        return variations.Aggregate(1.0, (product, variation) => product * variation.Values.Count) <= MostRuns
            ? grid
            : throw new CommandFault($"--vary gives more than {MostRuns} settings. Use fewer values, or draw settings with --random.");
    }

    private static string NameOf(Setting setting, RunPlan plan)
    {
        string name = string.Join('_', setting.Variations.Zip(setting.Values, (variation, value) => $"{variation.Name}-{value}"));
        char[] letters = [.. name.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' or ',' ? letter : '-')];
        string folder = Shorten(new string(letters), name);
        return setting.Plans.Count == 1 ? folder : string.Create(CultureInfo.InvariantCulture, $"{folder}_seed-{plan.Training.Seed}");
    }

    // File systems limit names to 255 bytes. A shortened name ends with a hash of the full name.
    private static string Shorten(string folder, string name) => folder.Length <= LongestName ? folder
        : $"{folder[..(LongestName - HashLetters - 1)]}-{Hash(name)[..HashLetters]}";

    private static string Hash(string name) => Convert.ToHexStringLower(XxHash128.Hash(Encoding.UTF8.GetBytes(name)));

    private static string Write(string folder, SweepVariation[] variations, RankedSetting[] outcomes, string heldOut)
    {
        string path = Path.Combine(folder, $"{Name}.csv");
        string header = $"{string.Join(',', variations.Select(variation => variation.Name))},{heldOut}_error,{heldOut}_error_deviation,"
            + "train_error,diverged,images_per_second,seconds";
        IEnumerable<string> lines = outcomes.Select(outcome => MeasurementFiles.CsvLine(
            [
                .. outcome.Values,
                outcome.Error?.Mean,
                outcome.Error?.Deviation,
                outcome.TrainError?.Mean,
                outcome.Diverged,
                outcome.ImagesPerSecond,
                outcome.Seconds,
            ]));
        try
        {
            File.WriteAllText(path, string.Join('\n', lines.Prepend(header)) + "\n");
            return path;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault(
                $"the table cannot be written to {folder}: {fault.Message} The runs are saved. Run the same command again.", fault);
        }
    }

    private void Report(SweepVariation[] variations, RankedSetting[] outcomes, string heldOut, string path, bool asJson)
    {
        if (asJson)
        {
            foreach (RankedSetting outcome in outcomes)
            {
                _host.WriteJson(new
                {
                    Setting = variations.Zip(outcome.Values).ToDictionary(pair => pair.First.Name, pair => pair.Second),
                    ErrorsOn = heldOut,
                    Error = ResultJson.Round(outcome.Error?.Mean),
                    ErrorDeviation = ResultJson.Round(outcome.Error?.Deviation),
                    TrainError = ResultJson.Round(outcome.TrainError?.Mean),
                    outcome.Diverged,
                    outcome.ImagesPerSecond,
                    outcome.Seconds,
                });
            }

            return;
        }

        TextTable table = new([.. Enumerable.Range(0, variations.Length)]);
        table.Add([.. variations.Select(variation => variation.Name), $"{heldOut} error", "train error", "images/s", "seconds"]);
        foreach (RankedSetting outcome in outcomes)
        {
            string diverged = outcome.Diverged > 0
                ? string.Create(CultureInfo.InvariantCulture, $" ({outcome.Diverged} diverged)")
                : "";
            table.Add(
            [
                .. outcome.Values,
                outcome.Error is null ? "diverged" : outcome.Error + diverged,
                outcome.TrainError?.ToString() ?? "-",
                outcome.ImagesPerSecond?.ToString("N0", CultureInfo.InvariantCulture) ?? "-",
                outcome.Seconds?.ToString("0.0", CultureInfo.InvariantCulture) ?? "-",
            ]);
        }

        table.Write(_host.Out, _host.OutWidth());
        _host.Out.WriteLine($"{path} contains this table; the run folders are next to it");
    }

    private sealed record Setting(SweepVariation[] Variations, string[] Values, IReadOnlyList<TrainOptions.Plan> Plans);
}
