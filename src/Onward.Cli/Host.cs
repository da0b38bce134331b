using Onward.Data;
using Onward.Imaging;

namespace Onward.Cli;

/// <summary>What the command line touches outside itself, so that a test can put its own in place.</summary>
internal sealed record Host
{
    /// <summary>Takes results.</summary>
    internal required TextWriter Out { get; init; }

    /// <summary>Takes messages and progress.</summary>
    internal required TextWriter Error { get; init; }

    /// <summary>Whether <see cref="Error"/> is a terminal, on which progress may be redrawn in place.</summary>
    internal bool ErrorIsTerminal { get; init; }

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

    /// <summary>The path that a path on the command line means.</summary>
    /// <exception cref="CommandFault">The path was made from bytes that are no text.</exception>
    internal string Resolve(string path)
    {
        string full = Path.Combine(WorkingDirectory, path);
        return PathName.IsBroken(full) ? throw new CommandFault($"{path}: this name is not valid UTF-8. Rename the file or folder.") : full;
    }
}
