using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A display for terminals: a table with one row for each epoch, and a status line that is redrawn during an epoch.</summary>
internal sealed class LiveDisplay : TrainingDisplay
{
    private const int BarWidth = 10;

    private readonly Host _host;
    private readonly RunConfiguration _run;
    private readonly bool _keepsRows;
    private bool _hasHeadings;

    private LiveDisplay(Host host, RunConfiguration run, bool keepsRows) => (_host, _run, _keepsRows) = (host, run, keepsRows);

    /// <summary>Creates a display, or returns null if messages do not go to a terminal.</summary>
    /// <param name="host">The environment of the command.</param>
    /// <param name="run">The configuration of the run.</param>
    /// <param name="keepsRows">True to print a row for each epoch; false to show only the status line, as for a run of a series.</param>
    internal static LiveDisplay? TryCreate(Host host, RunConfiguration run, bool keepsRows = true) =>
        host.ErrorIsTerminal ? new LiveDisplay(host, run, keepsRows) : null;

    internal override TrainingResult Show(Func<TrainingResult> run)
    {
        _host.ShowStatus("starting; Ctrl-C stops the run, which can then be resumed");
        try
        {
            return run();
        }
        finally
        {
            _host.ClearStatus();
        }
    }

    internal override void Progress(TrainingProgress progress)
    {
        if (progress.Evaluation is EvaluationProgress evaluation)
        {
            string done = Show(evaluation.OnTrainingImages ? "training" : _run.HeldOut, evaluation.Done, evaluation.Images);
            _host.ShowStatus($"{done}, epoch {progress.Epoch}/{progress.Epochs}");
            return;
        }

        double epochs = progress.Epoch - 1 + ((double)progress.Step / progress.StepsPerEpoch);
        double share = epochs / progress.Epochs;
        string losses = progress.BlockLosses.Count > 0 ? $", block losses {Losses(progress.BlockLosses)}" : "";
        string place = string.Create(
            CultureInfo.InvariantCulture,
            $"{share * 100,3:0} % {Bar(share)} {TimeLeft(progress.Elapsed, share)} left, epoch {progress.Epoch}/{progress.Epochs}");
        string state = string.Create(
            CultureInfo.InvariantCulture,
            $"{_run.LearntMeasure} {_run.Measure(progress.TrainError, progress.TrainLoss)}, "
            + $"{progress.ImagesPerSecond:N0} {_run.Examples}/s{losses}");
        _host.ShowStatus($"{place}, {state}");
    }

    internal override void EpochEnded(EpochMetrics epoch)
    {
        if (!_keepsRows)
        {
            return;
        }

        if (!_hasHeadings)
        {
            _hasHeadings = true;
            string losses = PaperRules.Get(_run.Rule).TrainsHeads ? "block losses" : "";
            _host.Error.WriteLine(Row("epoch", _run.LearntMeasure, _run.HeldOutMeasure, $"{_run.Examples}/s", losses));
        }

        _host.Error.WriteLine(Row(
            $"{epoch.Epoch}/{_run.Epochs}",
            _run.Measure(epoch.TrainError, epoch.TrainLoss),
            _run.Measure(epoch.TestError, epoch.TestLoss),
            epoch.ImagesPerSecond.ToString("N0", CultureInfo.InvariantCulture),
            Losses(epoch.BlockLosses)));
    }

    /// <summary>Formats the progress of an evaluation.</summary>
    /// <param name="set">The name of the set of images, such as "test".</param>
    /// <param name="done">The number of images evaluated so far.</param>
    /// <param name="images">The number of images to evaluate.</param>
    internal static string Show(string set, int done, int images) =>
        string.Create(
            CultureInfo.InvariantCulture, $"{100.0 * done / images,3:0} % of the {set} images evaluated: {done:N0} of {images:N0}");

    private static string Bar(double share)
    {
        int filled = (int)(share * BarWidth);
        return new string('#', filled) + new string('.', BarWidth - filled);
    }

    private string Row(string epoch, string train, string test, string speed, string losses)
    {
        int widest = Math.Max("epoch".Length, $"{_run.Epochs}/{_run.Epochs}".Length);
        train = train.PadLeft(_run.LearntMeasure.Length);
        test = test.PadLeft(_run.HeldOutMeasure.Length);
        return $"{epoch.PadLeft(widest)}  {train}  {test}  {speed.PadLeft(_run.IsText ? 9 : 8)}  {losses}".TrimEnd();
    }
}
