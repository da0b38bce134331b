using System.CommandLine;
using System.Globalization;
using System.Text.Json;

namespace Onward.Cli;

/// <summary><c>onward reproduce</c>: repeats the experiment of a cell of the paper's tables and compares the errors.</summary>
internal sealed class ReproduceCommand
{
    private static readonly IReadOnlyList<string> Columns = [.. PaperResults.Cells.Select(cell => cell.Column).Distinct()];

    private readonly Option<int?> _table = ValueOption.Whole(
        "--table", "Table of the paper: 3 (supervised) or 4 (contrastive). Default 3", 3, 4);
    private readonly Option<string?> _row = ValueOption.Name(
        "--row", $"Row of the table: a rule, {string.Join(", ", PaperRules.Names)}", PaperRules.Names);
    private readonly Option<string?> _column = ValueOption.Name(
        "--column", $"Column of the table: a data set and model, {string.Join(", ", Columns)}", Columns);
    private readonly Option<bool> _list = new("--list")
    {
        Description = "List all cells, or the cells that --table, --row and --column name, with command and expected error",
    };

    private readonly Option<int?> _seeds = CompareCommand.SeedsOption(1);
    private readonly Option<string?> _data = DataChoice.FolderOption();
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<string?> _out = ValueOption.Folder(
        "--out", "Folder for the run folders. Finished runs in it are not repeated. Default: reproduce/tableN-COLUMN");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private ReproduceCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        ReproduceCommand reproduce = new(host);
        Command command = new("reproduce", "Repeat a result of the paper and compare the errors.");
        command.Add(reproduce._table);
        command.Add(reproduce._row);
        command.Add(reproduce._column);
        command.Add(reproduce._list);
        command.Add(reproduce._seeds);
        command.Add(reproduce._data);
        command.Add(reproduce._threads);
        command.Add(reproduce._out);
        command.Add(reproduce._json);
        command.SetAction(reproduce.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        if (parse.GetValue(_list))
        {
            List(Select(parse.GetValue(_table), parse.GetValue(_row), parse.GetValue(_column)), parse.GetValue(_json));
            return ExitCode.Done;
        }

        if (parse.GetValue(_row) is not string row || parse.GetValue(_column) is not string column)
        {
            throw new CommandFault("'onward reproduce' needs --row and --column, or --list. See 'onward reproduce --help'.");
        }

        PaperCell cell = Select(parse.GetValue(_table) ?? 3, row, column)[0];
        Reproduction reproduction = Reproduction.Of(cell)
            ?? throw new CommandFault($"{cell} {Reproduction.Lack(cell)}. 'onward reproduce --list' shows the available cells.");
        Reproduce(reproduction, parse);
        return ExitCode.Done;
    }

    private static PaperCell[] Select(int? table, string? row, string? column)
    {
        PaperCell[] ofTable = [.. PaperResults.Cells.Where(cell => table is null || cell.Table == table)];
        PaperCell[] cells = [.. ofTable.Where(cell => (row is null || cell.Row == row) && (column is null || cell.Column == column))];
        return cells.Length > 0
            ? cells
            : throw new CommandFault(
                $"table {table} has no column {column}. Choose {ValueOption.List([.. ofTable.Select(cell => cell.Column).Distinct()])}.");
    }

    private void List(PaperCell[] cells, bool asJson)
    {
        if (asJson)
        {
            _host.WriteJson(cells.Select(ListedCell.Of));
            return;
        }

        TextTable table = new TextTable(left: [0, 1, 2, 7])
            .Add("table", "column", "row", "paper test", "paper train", "expected test", "minutes", "command");
        foreach (PaperCell cell in cells)
        {
            Reproduction? reproduction = Reproduction.Of(cell);
            table.Add(
                cell.Table.ToString(CultureInfo.InvariantCulture),
                cell.Column,
                cell.Row,
                Figures.Percent(cell.TestError),
                Figures.Percent(cell.TrainError),
                reproduction?.Expected.ToString() ?? "",
                reproduction?.Minutes.ToString("0.0", CultureInfo.InvariantCulture) ?? "",
                reproduction?.Command ?? Reproduction.Lack(cell));
        }

        table.Write(_host.Out, _host.OutWidth());
    }

    private void Reproduce(Reproduction reproduction, ParseResult parse)
    {
        PaperCell cell = reproduction.Cell;
        string folder = _host.Resolve(
            parse.GetValue(_out) ?? Path.Combine("reproduce", $"table{cell.Table}-{cell.Column.Replace('/', '-')}"));
        int threads = RuleChoice.Threads(parse, _threads);
        RunPlan[] plans = [.. Enumerable.Range(1, parse.GetValue(_seeds) ?? 1).Select(seed => reproduction.Plan((ulong)seed, threads))];
        TrainingData data = new DataSettings(Datasets.Mnist, parse.GetValue(_data), Validation: 0).Load(_host);
        RunSeries series = new(folder, [.. plans.Select(plan => (RunSeries.NameOf(plan), plan))], data, _host, _host.DisplayInSeries);
        _host.Interruption.ThrowIfCancellationRequested();

        IReadOnlyList<EndedRun> runs = series.Run();
        ComparedRule ours = ComparedRule.Of(runs);
        Verdict verdict = Verdict.OfOtherData(data.Images.Training.Count, data.Images.Test.Count)
            ?? Verdict.Of(ours.TestError, ours.Diverged, ours.Seeds, cell.TestError);
        double seconds = runs.Sum(run => run.Result.Seconds ?? 0);
        if (parse.GetValue(_json))
        {
            _host.WriteJson(Outcome.Of(reproduction, ours, verdict, seconds, folder));
        }
        else
        {
            _host.Out.WriteLine(cell);
            Table(reproduction, ours, verdict, seconds, folder).Write(_host.Out, _host.OutWidth());
        }
    }

    private static TextTable Table(Reproduction reproduction, ComparedRule ours, Verdict verdict, double seconds, string folder)
    {
        PaperCell paper = reproduction.Cell;
        string over = ours.Seeds == 1
            ? "one seed"
            : string.Create(CultureInfo.InvariantCulture, $"mean ± standard deviation over {ours.Seeds} seeds");
        string place = ours.TestError is null ? "" : $"; ours is {reproduction.Expected.Place(ours.TestError.Mean)}";
        string speed = string.Create(CultureInfo.InvariantCulture, $", {ours.ImagesPerSecond:N0} images/s");
        speed = ours.ImagesPerSecond is null ? "" : speed;
        return new TextTable()
            .Add("command", reproduction.Command)
            .Add("ours", $"test error {ours.Show(ours.TestError)}, train error {ours.Show(ours.TrainError)} (percent, {over})")
            .Add(
                "paper",
                string.Create(CultureInfo.InvariantCulture, $"test error {paper.TestError:0.00}, train error {paper.TrainError:0.00}"))
            .Add(
                "expected",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"test error {reproduction.Expected}{place}; {reproduction.Minutes:0.0} minutes per seed"))
            .Add("time", Figures.Duration(TimeSpan.FromSeconds(seconds)) + speed)
            .Add("runs", folder)
            .Add("verdict", verdict.ToString());
    }

    private sealed record ListedCell(
        int Table,
        string Row,
        string Column,
        double PaperTestError,
        double PaperTrainError,
        bool Runs,
        string? Command,
        double? ExpectedLeast,
        double? ExpectedMost,
        double? ExpectedMinutes)
    {
        internal static ListedCell Of(PaperCell cell)
        {
            Reproduction? reproduction = Reproduction.Of(cell);
            return new ListedCell(
                cell.Table,
                cell.Row,
                cell.Column,
                cell.TestError,
                cell.TrainError,
                reproduction is not null,
                reproduction?.Command,
                reproduction?.Expected.Least,
                reproduction?.Expected.Most,
                reproduction?.Minutes);
        }
    }

    private sealed record Outcome(
        int Table,
        string Row,
        string Column,
        string Command,
        int Seeds,
        int Diverged,
        double? TestError,
        double? TestErrorDeviation,
        double? TrainError,
        double? TrainErrorDeviation,
        double PaperTestError,
        double PaperTrainError,
        double ExpectedLeast,
        double ExpectedMost,
        double Seconds,
        string Verdict,
        string Reason,
        string Folder)
    {
        internal static Outcome Of(Reproduction reproduction, ComparedRule ours, Verdict verdict, double seconds, string folder) => new(
            reproduction.Cell.Table,
            reproduction.Cell.Row,
            reproduction.Cell.Column,
            reproduction.Command,
            ours.Seeds,
            ours.Diverged,
            ResultJson.Round(ours.TestError?.Mean),
            ResultJson.Round(ours.TestError?.Deviation),
            ResultJson.Round(ours.TrainError?.Mean),
            ResultJson.Round(ours.TrainError?.Deviation),
            reproduction.Cell.TestError,
            reproduction.Cell.TrainError,
            reproduction.Expected.Least,
            reproduction.Expected.Most,
            Math.Round(seconds, 2),
            JsonNamingPolicy.CamelCase.ConvertName(verdict.Kind.ToString()),
            verdict.Reason,
            folder);
    }
}
