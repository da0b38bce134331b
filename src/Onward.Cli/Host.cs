using System.Text.Json;

namespace Onward.Cli;

/// <summary>The environment of the command line: output, terminal, signals. Tests replace it.</summary>
internal sealed record Host : RunHost
{
    private readonly StatusLine _status = new();
    private readonly PlainText _error = null!;

    /// <summary>Creates the host of a command.</summary>
    public Host() => Skipped = new()
    {
        Advice =
            "List them all with 'onward data verify folder --data DIR'. To allow more, give --max-damaged PERCENT, also with --resume.",
    };

    /// <inheritdoc/>
    internal override HostWords Words => CommandWords.Instance;

    /// <summary>The writer of results. Control characters are escaped by <see cref="PlainText"/>.</summary>
    internal required TextWriter Out
    {
        get;
        init => field = PlainText.OfResults(value, _status, () => OutWidth());
    }

    /// <summary>The writer of messages and progress. Control characters are escaped by <see cref="PlainText"/>.</summary>
    internal required TextWriter Error
    {
        get => _error;
        init => _error = PlainText.OfMessages(value, _status, () => ErrorWidth());
    }

    /// <summary>The width in columns of the terminal that shows results, or null if results go to a file or pipe.</summary>
    internal Func<int?> OutWidth { get; init; } = () => null;

    /// <summary>The width in columns of the terminal that shows messages, or null if messages go to a file or pipe.</summary>
    internal Func<int?> ErrorWidth { get; init; } = () => null;

    /// <summary>True if results go to a terminal.</summary>
    internal bool OutIsTerminal { get; init; }

    /// <summary>True if messages go to a terminal. Progress is then redrawn in place.</summary>
    internal bool ErrorIsTerminal { get; init; }

    /// <summary>True to print the stack trace of an exception.</summary>
    internal bool ShowTraces { get; init; }

    /// <inheritdoc/>
    internal override void Tell(string line) => Error.WriteLine(line);

    /// <summary>Creates the display for one run of a series.</summary>
    internal TrainingDisplay DisplayInSeries(RunConfiguration run) =>
        (TrainingDisplay?)LiveDisplay.TryCreate(this, run, keepsRows: false) ?? new QuietDisplay();

    /// <summary>Writes a result as one line of JSON.</summary>
    internal void WriteJson<T>(T result) => Out.Write(JsonSerializer.Serialize(result, ResultJson.Options) + "\n");

    /// <summary>Replaces the status line. Does nothing if messages do not go to a terminal.</summary>
    internal void ShowStatus(string text)
    {
        if (ErrorIsTerminal)
        {
            _status.Show(_error, text);
        }
    }

    /// <summary>Removes the status line.</summary>
    internal void ClearStatus() => _status.Clear();
}
