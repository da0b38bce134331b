using Onward.Data;
using Onward.Imaging;

namespace Onward.Runs;

/// <summary>The surroundings of runs: environment, clock, messages. A test can replace them.</summary>
internal record RunHost
{
    /// <summary>Takes a line that tells of the run; by default it is dropped.</summary>
    internal virtual void Tell(string line)
    {
    }

    /// <summary>Reads a variable of the environment; null if it is not set.</summary>
    internal Func<string, string?> Variable { get; init; } = Environment.GetEnvironmentVariable;

    /// <summary>Folder that relative paths start from; empty for the process's own.</summary>
    internal string WorkingDirectory { get; init; } = "";

    /// <summary>The sources of the published data sets.</summary>
    internal IReadOnlyList<PublishedSource> Sources { get; init; } = PublishedSources;

    /// <summary>The published data sets in their default places.</summary>
    internal static IReadOnlyList<PublishedSource> PublishedSources { get; } =
    [
        new MnistSource(),
        new FashionMnistSource(),
        new CifarSource(),
    ];

    /// <summary>Tells the time that speeds and durations are measured with.</summary>
    internal TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Ends the run, as Ctrl-C does.</summary>
    internal CancellationToken Interruption { get; init; }

    /// <summary>Sentences to tell the user once it is sure that the run can begin.</summary>
    internal List<string> Notices { get; } = [];

    /// <summary>Images that could not be read.</summary>
    internal SkippedImages Skipped { get; init; } = new();

    /// <summary>The words for settings and remedies.</summary>
    internal virtual HostWords Words => HostWords.OfProgram;

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
            Tell($"onward: {notice}");
        }

        Notices.Clear();
    }

    /// <summary>Tells of images that were skipped, if there were any.</summary>
    internal void ShowSkipped()
    {
        if (Skipped.Count > 0)
        {
            Tell($"onward: {Skipped}");
        }
    }

    /// <summary>The full path that the user means by a path.</summary>
    /// <exception cref="RunException">The path was made from bytes that are no text.</exception>
    internal string Resolve(string path)
    {
        string full = Path.Combine(WorkingDirectory, path);
        return PathName.IsBroken(full) ? throw new RunException($"{full}: this name is not valid UTF-8. Rename the file or folder.") : full;
    }
}
