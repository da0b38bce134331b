using System.Text.Json;

namespace Onward.Cli;

/// <summary>What the command line touches outside itself, so that a test can put its own in place.</summary>
internal sealed record Host : RunHost
{
    private readonly StatusLine _status = new();
    private readonly PlainText _error = null!;

    /// <summary>Takes results. Names in a line cannot break it or command the terminal, as <see cref="PlainText"/> escapes them.</summary>
    internal required TextWriter Out
    {
        get;
        init => field = PlainText.OfResults(value, _status, () => OutWidth());
    }

    /// <summary>Takes messages and progress, in the same way.</summary>
    internal required TextWriter Error
    {
        get => _error;
        init => _error = PlainText.OfMessages(value, _status, () => ErrorWidth());
    }

    /// <summary>Columns of the terminal that results go to; null if they go elsewhere.</summary>
    internal Func<int?> OutWidth { get; init; } = () => null;

    /// <summary>Columns of the terminal that messages go to; null if they go elsewhere.</summary>
    internal Func<int?> ErrorWidth { get; init; } = () => null;

    /// <summary>True if results go to a terminal.</summary>
    internal bool OutIsTerminal { get; init; }

    /// <summary>True if messages go to a terminal, so that progress may be redrawn in place.</summary>
    internal bool ErrorIsTerminal { get; init; }

    /// <summary>Whether an unexpected error shows where it happened.</summary>
    internal bool ShowTraces { get; init; }

    /// <inheritdoc/>
    internal override void Tell(string line) => Error.WriteLine(line);

    /// <summary>Makes the display of one run of a series.</summary>
    internal TrainingDisplay DisplayInSeries(RunConfiguration run) =>
        (TrainingDisplay?)LiveDisplay.TryCreate(this, run, keepsRows: false) ?? new QuietDisplay();

    /// <summary>Writes a result as one line of JSON.</summary>
    internal void WriteJson<T>(T result) => Out.Write(JsonSerializer.Serialize(result, ResultJson.Options) + "\n");

    /// <summary>Shows what is under way, in place of what was shown before; nothing where messages do not go to a terminal.</summary>
    internal void ShowStatus(string text)
    {
        if (ErrorIsTerminal)
        {
            _status.Show(_error, text);
        }
    }

    /// <summary>Removes what <see cref="ShowStatus"/> shows.</summary>
    internal void ClearStatus() => _status.Clear();
}
