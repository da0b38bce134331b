using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Onward.Cli;

/// <summary><c>onward runs</c>: lists the runs in a folder and their states.</summary>
internal sealed class RunsCommand
{
    private readonly Argument<string> _folder = ValueOption.Path("FOLDER", "folder that contains run folders, at any depth. Default: runs");
    private readonly Option<bool> _best = new("--best")
    {
        Description = "Sort by data set and error, the lowest first. Default: by time, the latest change first",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON for each run" };
    private readonly Host _host;

    private RunsCommand(Host host)
    {
        _host = host;
        _folder.Arity = ArgumentArity.ZeroOrOne;
    }

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        RunsCommand runs = new(host);
        Command command = new("runs", "List the runs in a folder, with their options, progress and errors.")
        {
            runs._folder, runs._best, runs._json,
        };
        command.SetAction(runs.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        string asked = parse.GetValue(_folder) ?? "runs", root = _host.Resolve(asked);
        if (!Directory.Exists(root))
        {
            throw new CommandFault(File.Exists(root)
                ? $"{root} is a file. Name a folder that contains run folders."
                : $"{root}: no such folder. Name a folder that contains run folders, or start a run with 'onward train'.");
        }

        List<Row> rows = [.. Find(root).Select(folder => Read(root, folder))];
        IEnumerable<Row> sorted = parse.GetValue(_best)
            ? rows.OrderBy(row => row.Dataset is null)
                .ThenBy(row => row.Dataset, StringComparer.Ordinal)
                .ThenBy(row => row.Error ?? double.PositiveInfinity)
            : rows.OrderByDescending(row => row.Written);
        if (parse.GetValue(_json))
        {
            foreach (Row row in sorted)
            {
                _host.WriteJson(row);
            }
        }
        else
        {
            Show(root, [.. sorted]);
        }

        foreach (Row row in rows.Where(row => row.Fault is not null))
        {
            _host.Error.WriteLine($"onward: {row.Fault}");
        }

        return ExitCode.Done;
    }

    private static List<string> Find(string root)
    {
        try
        {
            return [.. RecordedRun.FindFolders(root)];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"{root} cannot be read: {fault.Message} Name a readable folder.", fault);
        }
    }

    // A run that cannot be read becomes a row too.
    private static Row Read(string root, string folder)
    {
        string name = Path.GetRelativePath(root, folder);
        name = name == "." ? Path.GetFileName(Path.GetFullPath(folder)) : name;
        try
        {
            RecordedRun run = RecordedRun.Read(folder);
            RunConfiguration options = run.Configuration;
            return new Row(
                name,
                folder,
                run.Stage,
                options.Network.Name,
                options.Projection > 0 ? $"{options.Rule}, contrastive" : options.Rule,
                options.Dataset,
                run.EpochsDone,
                options.Epochs,
                ResultJson.Round(run.TestError),
                run.HeldOut,
                run.Written.UtcDateTime,
                ChangedOptions.Of(options),
                run.Advice,
                null);
        }
        catch (RunException fault)
        {
            return new Row(
                name,
                folder,
                RunStage.Damaged,
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                RecordedRun.LastWrite(folder).UtcDateTime,
                null,
                null,
                fault.In(CommandWords.Instance));
        }
    }

    private void Show(string root, Row[] rows)
    {
        if (rows.Length == 0)
        {
            _host.Out.WriteLine($"There are no runs in {root}.");
            return;
        }

        TextTable table = new(0, 1, 2, 3, 6, 7, 8, 9);
        table.Add("run", "model", "rule", "data set", "epochs", "error", "error on", "changed", "state", "options");
        foreach (Row row in rows)
        {
            table.Add(
                row.Name,
                row.Model ?? "",
                row.Rule ?? "",
                row.Dataset ?? "",
                row.Epochs is null ? "" : string.Create(CultureInfo.InvariantCulture, $"{row.EpochsDone}/{row.Epochs}"),
                row.Error is double error ? Figures.Percent(error) : "",
                row.Error is null ? "" : row.HeldOut!,
                TimeZoneInfo.ConvertTime(new DateTimeOffset(row.Written), _host.Clock.LocalTimeZone)
                    .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
                row.State.ToString().ToLowerInvariant(),
                row.Options is null ? "" : ChangedOptions.Show(row.Options));
        }

        table.Write(_host.Out, _host.OutWidth());
        foreach (Row row in rows)
        {
            foreach (string advice in row.Advice ?? [])
            {
                _host.Out.WriteLine($"{row.Name}: {advice}");
            }
        }
    }

    // The error is in percent. Most values of a damaged run are null. The fault is null for all other runs.
    private sealed record Row(
        string Name,
        string Run,
        RunStage State,
        string? Model,
        string? Rule,
        string? Dataset,
        int? EpochsDone,
        int? Epochs,
        double? Error,
        string? HeldOut,
        DateTime Written,
        IReadOnlyDictionary<string, JsonNode>? Options,
        IReadOnlyList<string>? Advice,
        string? Fault);
}
