using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A row of a table for each epoch, which stays, and a line below it that is redrawn while the epoch under way goes on.</summary>
internal sealed class LiveDisplay : TrainingDisplay
{
    private const int BarWidth = 10;

    private readonly Host _host;
    private readonly RunConfiguration _run;
    private readonly bool _keepsRows;
    private bool _hasHeadings;

    private LiveDisplay(Host host, RunConfiguration run, bool keepsRows) => (_host, _run, _keepsRows) = (host, run, keepsRows);

    /// <summary>A display on the terminal; null if messages go elsewhere.</summary>
    /// <param name="host">Where messages go.</param>
    /// <param name="run">Options of the run.</param>
    /// <param name="keepsRows">True to leave a row for each epoch; false for one of many runs, of which the line alone is shown.</param>
    internal static LiveDisplay? TryCreate(Host host, RunConfiguration run, bool keepsRows = true) =>
        host.ErrorIsTerminal ? new LiveDisplay(host, run, keepsRows) : null;

    internal override TrainingResult Show(Func<TrainingResult> run)
    {
        _host.ShowStatus("starting; Ctrl-C ends the run in good order");
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
            _host.ShowStatus(
                $"{Show(evaluation.OnTrainingImages ? "training" : _run.HeldOut, evaluation.Done, evaluation.Images)}, epoch {progress.Epoch}/{progress.Epochs}");
            return;
        }

        double ofEpoch = (double)progress.Step / progress.StepsPerEpoch;
        double done = (progress.Epoch - 1 + ofEpoch) / progress.Epochs;
        int filled = (int)(done * BarWidth);
        _host.ShowStatus(string.Create(
            CultureInfo.InvariantCulture,
            $"{done * 100,3:0} % {new string('#', filled)}{new string('.', BarWidth - filled)} {TimeLeft(progress.Elapsed, done)} left, epoch {progress.Epoch}/{progress.Epochs}, {_run.LearntError} {progress.TrainError:0.00} %, {progress.ImagesPerSecond:N0} images/s{(progress.BlockLosses.Count > 0 ? $", block losses {Losses(progress.BlockLosses)}" : "")}"));
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
            _host.Error.WriteLine(
                Row(
                    "epoch",
                    _run.LearntError,
                    $"{_run.HeldOut} error",
                    "images/s",
                    PaperRules.TrainsHeads(_run.Rule) ? "block losses" : ""));
        }

        _host.Error.WriteLine(Row(
            $"{epoch.Epoch}/{_run.Epochs}",
            epoch.TrainError.ToString("0.00", CultureInfo.InvariantCulture) + " %",
            epoch.TestError.ToString("0.00", CultureInfo.InvariantCulture) + " %",
            epoch.ImagesPerSecond.ToString("N0", CultureInfo.InvariantCulture),
            Losses(epoch.BlockLosses)));
    }

    /// <summary>The progress of an evaluation.</summary>
    /// <param name="set">The images' name.</param>
    /// <param name="done">Images evaluated so far.</param>
    /// <param name="images">Images of the evaluation.</param>
    internal static string Show(string set, int done, int images) =>
        string.Create(
            CultureInfo.InvariantCulture, $"{100.0 * done / images,3:0} % of the {set} images evaluated: {done:N0} of {images:N0}");

    private string Row(string epoch, string train, string test, string speed, string losses)
    {
        int widest = Math.Max("epoch".Length, $"{_run.Epochs}/{_run.Epochs}".Length);
        return $"{epoch.PadLeft(widest)}  {train.PadLeft(_run.LearntError.Length)}  {test.PadLeft($"{_run.HeldOut} error".Length)}  {speed,8}  {losses}".TrimEnd();
    }
}
