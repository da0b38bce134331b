using System.Text.Json;
using Onward.Data;
using Onward.Imaging;

namespace Onward.Cli;

/// <summary>What the command line touches outside itself, so that a test can put its own in place.</summary>
internal sealed record Host
{
    /// <summary>Columns of a terminal that does not say how many it has.</summary>
    internal const int DefaultWidth = 80;

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

    /// <summary>Reads a variable of the environment; null if it is not set.</summary>
    internal Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Folder that relative paths start from; empty for the process's own.</summary>
    internal string WorkingDirectory { get; init; } = "";

    /// <summary>Where the published data sets come from.</summary>
    internal IReadOnlyList<PublishedSource> Sources { get; init; } = PublishedSources;

    /// <summary>The published data sets in their default places.</summary>
    internal static IReadOnlyList<PublishedSource> PublishedSources { get; } = [new MnistSource(), new FashionMnistSource(), new CifarSource()];

    /// <summary>Tells the time that speeds and durations are measured with.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Ends the command: Ctrl-C.</summary>
    internal CancellationToken Interruption { get; init; }

    /// <summary>Whether an unexpected error shows where it happened.</summary>
    internal bool ShowTraces { get; init; }

    /// <summary>What the user should know once it is sure that the command will do its work.</summary>
    internal List<string> Notices { get; } = [];

    /// <summary>Images that could not be read.</summary>
    internal SkippedImages Skipped { get; init; } = new()
    {
        Advice = "List them all with 'onward data verify folder --data DIR'. To allow more, give --max-damaged PERCENT, also with --resume.",
    };

    /// <summary>Adds a notice, unless it is among the notices already: the runs of a series may all ask for it.</summary>
    internal void NoticeOnce(string message)
    {
        if (!Notices.Contains(message))
        {
            Notices.Add(message);
        }
    }

    /// <summary>Writes the notices.</summary>
    internal void ShowNotices()
    {
        foreach (string notice in Notices)
        {
            Error.WriteLine($"onward: {notice}");
        }

        Notices.Clear();
    }

    /// <summary>Tells of images that were skipped, if there were any.</summary>
    internal void ShowSkipped()
    {
        if (Skipped.Count > 0)
        {
            Error.WriteLine($"onward: {Skipped}");
        }
    }

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

    /// <summary>The path that a path on the command line means.</summary>
    /// <exception cref="CommandFault">The path was made from bytes that are no text.</exception>
    internal string Resolve(string path)
    {
        string full = Path.Combine(WorkingDirectory, path);
        return PathName.IsBroken(full) ? throw new CommandFault($"{path}: this name is not valid UTF-8. Rename the file or folder.") : full;
    }
}
