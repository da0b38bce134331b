using System.Globalization;
using Onward.Training;
using Spectre.Console;

namespace Onward.Cli;

/// <summary>A table that is redrawn in place: the last epochs, and the one under way.</summary>
internal sealed class LiveDisplay : TrainingDisplay
{
    private const int EpochsShown = 8;
    private const int BarWidth = 30;

    private readonly IAnsiConsole _console;
    private readonly int _epochs;
    private readonly string _heldOut;
    private readonly Queue<string[]> _ended = [];
    private LiveDisplayContext? _live;

    private LiveDisplay(IAnsiConsole console, int epochs, string heldOut) => (_console, _epochs, _heldOut) = (console, epochs, heldOut);

    /// <summary>A display on the terminal; null if there is none, or none that can be redrawn in place.</summary>
    /// <param name="host">Where messages go.</param>
    /// <param name="epochs">Epochs of the run.</param>
    /// <param name="heldOut">What errors are reported on: test, or validation.</param>
    internal static LiveDisplay? TryCreate(Host host, int epochs, string heldOut)
    {
        if (!host.ErrorIsTerminal)
        {
            return null;
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(host.Error), Interactive = InteractionSupport.Yes });
        return console.Profile.Capabilities.Ansi ? new LiveDisplay(console, epochs, heldOut) : null;
    }

    internal override TrainingResult Show(Func<TrainingResult> run) =>
        _console.Live(new Text("starting")).AutoClear(true).Start(live =>
        {
            _live = live;
            return run();
        });

    internal override void Progress(TrainingProgress progress)
    {
        string[] row =
        [
            $"{progress.Epoch}/{progress.Epochs}",
            progress.TrainError.ToString("0.00", CultureInfo.InvariantCulture) + " %",
            "",
            Losses(progress.BlockLosses),
            progress.ImagesPerSecond.ToString("N0", CultureInfo.InvariantCulture),
        ];
        double ofEpoch = (double)progress.Step / progress.StepsPerEpoch;
        double done = (progress.Epoch - 1 + ofEpoch) / progress.Epochs;
        int filled = (int)(done * BarWidth);
        string status = string.Create(
            CultureInfo.InvariantCulture,
            $"{done * 100,3:0} % {new string('#', filled)}{new string('.', BarWidth - filled)} {TimeLeft(progress.Elapsed, done)} left; Ctrl-C ends the run");
        _live!.UpdateTarget(new Rows(Table(_ended.Append(row)), new Text(status)));
    }

    internal override void EpochEnded(EpochMetrics epoch)
    {
        _ended.Enqueue(
        [
            $"{epoch.Epoch}/{_epochs}",
            epoch.TrainError.ToString("0.00", CultureInfo.InvariantCulture) + " %",
            epoch.TestError.ToString("0.00", CultureInfo.InvariantCulture) + " %",
            Losses(epoch.BlockLosses),
            epoch.ImagesPerSecond.ToString("N0", CultureInfo.InvariantCulture),
        ]);
        if (_ended.Count > EpochsShown)
        {
            _ended.Dequeue();
        }
    }

    private Table Table(IEnumerable<string[]> rows)
    {
        Table table = new Table { Border = TableBorder.Simple };
        foreach (string name in new[] { "epoch", "train error", $"{_heldOut} error", "block losses", "images/s" })
        {
            table.AddColumn(new TableColumn(new Text(name)) { Alignment = Justify.Right, NoWrap = true });
        }

        foreach (string[] row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        return table;
    }
}
