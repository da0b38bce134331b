using System.Globalization;
using Onward.Training;

namespace Onward.Cli;

/// <summary>A row of a table for each epoch, which stays, and a line below it that is redrawn while the epoch under way goes on.</summary>
internal sealed class LiveDisplay : TrainingDisplay
{
    private const int BarWidth = 10;

    private readonly Host _host;
    private readonly int _epochs;
    private readonly string _heldOut;
    private readonly bool _keepsRows;
    private bool _hasHeadings;

    private LiveDisplay(Host host, int epochs, string heldOut, bool keepsRows) => (_host, _epochs, _heldOut, _keepsRows) = (host, epochs, heldOut, keepsRows);

    /// <summary>A display on the terminal; null if messages go elsewhere.</summary>
    /// <param name="host">Where messages go.</param>
    /// <param name="epochs">Epochs of the run.</param>
    /// <param name="heldOut">What errors are reported on: test, or validation.</param>
    /// <param name="keepsRows">True to leave a row for each epoch; false for one of many runs, of which the line alone is shown.</param>
    internal static LiveDisplay? TryCreate(Host host, int epochs, string heldOut, bool keepsRows = true) =>
        host.ErrorIsTerminal ? new LiveDisplay(host, epochs, heldOut, keepsRows) : null;

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
            _host.ShowStatus($"{Show(evaluation.OnTrainingImages ? "training" : _heldOut, evaluation.Done, evaluation.Images)}, epoch {progress.Epoch}/{progress.Epochs}");
            return;
        }

        double ofEpoch = (double)progress.Step / progress.StepsPerEpoch;
        double done = (progress.Epoch - 1 + ofEpoch) / progress.Epochs;
        int filled = (int)(done * BarWidth);
        _host.ShowStatus(string.Create(
            CultureInfo.InvariantCulture,
            $"{done * 100,3:0} % {new string('#', filled)}{new string('.', BarWidth - filled)} {TimeLeft(progress.Elapsed, done)} left, epoch {progress.Epoch}/{progress.Epochs}, train error {progress.TrainError:0.00} %, {progress.ImagesPerSecond:N0} images/s, block losses {Losses(progress.BlockLosses)}"));
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
            _host.Error.WriteLine(Row("epoch", "train error", $"{_heldOut} error", "images/s", "block losses"));
        }

        _host.Error.WriteLine(Row(
            $"{epoch.Epoch}/{_epochs}",
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
        string.Create(CultureInfo.InvariantCulture, $"{100.0 * done / images,3:0} % of the {set} images evaluated: {done:N0} of {images:N0}");

    private string Row(string epoch, string train, string test, string speed, string losses)
    {
        int widest = Math.Max("epoch".Length, $"{_epochs}/{_epochs}".Length);
        return $"{epoch.PadLeft(widest)}  {train,11}  {test.PadLeft($"{_heldOut} error".Length)}  {speed,8}  {losses}";
    }
}
