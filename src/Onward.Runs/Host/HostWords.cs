namespace Onward.Runs;

/// <summary>The words in which messages name settings and remedies. A program and a command line have different ones.</summary>
internal class HostWords
{
    /// <summary>The words for the user of a program.</summary>
    internal static HostWords OfProgram { get; } = new();

    /// <summary>Names a setting.</summary>
    /// <param name="name">The setting in words, such as <c>batch size</c>.</param>
    internal virtual string Setting(string name) => name;

    /// <summary>Names the way to go on with a run, for use after "by" or "with".</summary>
    /// <param name="folder">The run's folder; null if its place is not known.</param>
    internal virtual string Resuming(string? folder) => folder is null ? "its new folder" : "opening it again";

    /// <summary>Tells how to find the folder of a run, in one sentence.</summary>
    internal virtual string NameRun => "Name the folder of a run.";

    /// <summary>Names the setting that a remedy is given with, after a blank; empty where the user knows it.</summary>
    /// <param name="setting">The setting in words.</param>
    internal virtual string With(string setting) => "";

    /// <summary>Tells how to fetch a data set, as the end of a sentence; empty where the host has no way.</summary>
    internal virtual string Download(string dataset) => "";

    /// <summary>Names the search for a learning rate.</summary>
    internal virtual string RateSearch => "a scan of learning rates";
}
